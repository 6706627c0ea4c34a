// Write a sentence, see how it was understood, keep it; below, what is coming.
import { Icon, api, card, formatRelative, href, html, page, person, say, timeZone, useEffect, useRef, useState } from "../../../ui/sdk.js";

const MEMOS = "/api/v1/memo_memos";
const STILL_MS = 250;
const AGAIN_MS = 20_000;
const MOST = 200;
const LATER = [["in 10 minutes", "10 min"], ["in 1 hour", "1 hour"], ["tomorrow", "Tomorrow"]];
const EXAMPLES = ["call mum tomorrow at 9", "tea in 20 minutes", "water the plants every 2 weeks on sunday"];

function Memos() {
  const [memos, setMemos] = useState(/** @type {any[]|null} */ (null));
  const [problem, setProblem] = useState("");
  const [shows, setShows] = useState("open");
  const asked = useRef(0);
  const load = async () => {
    const turn = ++asked.current;
    const order = shows === "open" ? "due_at" : "-updated_at";
    const query = `owner_id=${person.value?.id}&state=${shows}&sort=${order}&limit=${MOST}`;
    try {
      const { data } = await api.get(MEMOS, { query });
      if (turn === asked.current) [setMemos(data), setProblem("")];
    } catch (error) {
      if (turn === asked.current) setProblem(words(error));
    }
  };
  useEffect(() => {
    load();
    const timer = setInterval(() => document.visibilityState === "visible" && load(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [shows]);
  const act = async (deed, done, undo) => {
    try {
      await deed();
      say(done, "ok", undo && { label: "Undo", run: () => act(undo, "As it was before") });
    } catch (error) {
      say(words(error), "bad");
    }
    await load();
  };
  return html`<div class="column pad-top stack">
    <h1>Memo</h1>
    <${Ask} kept=${load} />
    <section class="card" aria-labelledby="memo-list">
      <header><h2 id="memo-list">${shows === "open" ? "Coming" : "Done"}</h2><span class="grow"></span>
        <button class="btn quiet dense" type="button" onClick=${() => [setMemos(null), setShows(shows === "open" ? "done" : "open")]}>
          ${shows === "open" ? "Show what is done" : "Show what is coming"}</button></header>
      ${problem && html`<p class="body small bad-ink" role="alert">${problem}</p>`}
      ${memos && !memos.length && html`<p class="body small soft">${shows === "open" ? "Nothing to remember. Enjoy it." : "Nothing is done yet."}</p>`}
      <ul class="plain-list">${(memos || []).map((memo) => html`<${Item} key=${memo.id} memo=${memo} act=${act} />`)}</ul>
    </section>
  </div>`;
}

/** The sentence stays until it is kept. */
function Ask({ kept }) {
  const [sentence, setSentence] = useState("");
  const [read, setRead] = useState(/** @type {any} */ (null));
  const [unclear, setUnclear] = useState("");
  const [saves, setSaves] = useState(false);
  const latest = useRef("");
  const understand = async (text) => {
    try {
      const { data } = await api.post("/api/memo/understand", { sentence: text, time_zone: timeZone.value });
      if (latest.current === text) [setRead({ ...data, sentence: text }), setUnclear("")];
    } catch (error) {
      if (latest.current === text) [setRead(null), setUnclear(words(error))];
    }
  };
  useEffect(() => {
    latest.current = sentence;
    if (!sentence.trim()) return void [setRead(null), setUnclear("")];
    const timer = setTimeout(understand, STILL_MS, sentence);
    return () => clearTimeout(timer);
  }, [sentence]);
  const ready = read !== null && read.sentence === sentence;
  const keep = async (event) => {
    event.preventDefault();
    // Only what was seen is kept: Enter before that looks first.
    if (!ready) return sentence.trim() && understand(sentence);
    const { when, again, sentence: _written, ...fields } = read;
    setSaves(true);
    try {
      await api.post(MEMOS, fields);
      setSentence("");
      say(`${fields.text}: ${when}${again ? `, ${again}` : ""}`);
      await kept();
    } catch (error) {
      setUnclear(words(error));
    }
    setSaves(false);
  };
  return html`<form class="card" onSubmit=${keep}><header><h2 id="memo-new">Remind me</h2></header><div class="body form">
    <div class="field">
      <input class="input" id="memo-sentence" maxlength="300" autocomplete="off" placeholder=${EXAMPLES[0]}
        aria-labelledby="memo-new" aria-describedby="memo-read" value=${sentence} onInput=${(event) => setSentence(event.target.value)} />
      <div id="memo-read" aria-live="polite">
        ${read && html`<p class="break"><b>${read.text}</b> · ${read.when}${read.again ? ` · ${read.again}` : ""}</p>`}
        ${!read && unclear && html`<p class="small soft">${unclear}</p>`}
        ${!read && !unclear && html`<p class="small soft">Such as “${EXAMPLES.slice(1).join("”, “")}”. Times are of ${timeZone.value}.</p>`}
      </div>
    </div>
    <div><button class="btn primary" type="submit" disabled=${saves || !ready}><${Icon} name="plus" />Remind me</button></div>
  </div></form>`;
}

function Item({ memo, act }) {
  const done = memo.state === "done";
  const late = !done && Date.parse(memo.due_at) <= Date.now();
  const back = () => api.patch(`${MEMOS}/${memo.id}`, { due_at: memo.due_at, state: memo.state });
  const finish = () => act(() => api.post(`/api/memo/${memo.id}/done`), memo.repeat ? "Done for this time" : "Done", back);
  const snooze = (until) => act(() => api.post(`/api/memo/${memo.id}/snooze`, { until, time_zone: timeZone.value }), "Snoozed", back);
  const remove = () => {
    const { text, due_at, repeat, every, starts_at, time_zone, state } = memo;
    return act(() => api.delete(`${MEMOS}/${memo.id}`), "Deleted", () => api.post(MEMOS, { text, due_at, repeat, every, starts_at, time_zone, state }));
  };
  return html`<li class="row wrap">
    <div class="grow min0 stack tight">
      <p class="strong break">${memo.text}</p>
      <p class=${late ? "small strong" : "small soft"}><time datetime=${memo.due_at} title=${formatRelative(memo.due_at)}>${moment(memo.due_at)}</time>${memo.repeat ? ` · ${again(memo)}` : ""}${late ? " · due" : ""}</p>
    </div>
    <div class="row wrap">
      ${late && LATER.map(([until, label]) => html`<button class="btn dense" type="button" key=${until} onClick=${() => snooze(until)} aria-label=${`Snooze ${memo.text}: ${label}`}>${label}</button>`)}
      ${done
        ? html`<button class="btn dense" type="button" aria-label=${`Open ${memo.text} again`} onClick=${() => act(() => api.patch(`${MEMOS}/${memo.id}`, { state: "open" }), "Open again", back)}>Not done</button>`
        : html`<button class="btn dense" type="button" aria-label=${`Done: ${memo.text}`} onClick=${finish}><${Icon} name="check" />Done</button>`}
      ${!done && !late && html`<button class="btn only quiet dense" type="button" aria-label=${`Snooze ${memo.text} to tomorrow`} title="To tomorrow" onClick=${() => snooze("tomorrow")}><${Icon} name="clock" /></button>`}
      <button class="btn only quiet dense" type="button" aria-label=${`Delete ${memo.text}`} title="Delete" onClick=${remove}><${Icon} name="trash" /></button>
    </div>
  </li>`;
}

const ON_HOME = 3;

/** On the start page: what is next. */
function Next() {
  const [memos, setMemos] = useState(/** @type {any[]|null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const load = () => api.get(MEMOS, { query: `owner_id=${person.value?.id}&state=open&sort=due_at&limit=${ON_HOME}` })
      .then(({ data }) => [setMemos(data), setProblem("")], (error) => setProblem(words(error)));
    load();
    const timer = setInterval(() => document.visibilityState === "visible" && load(), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<div class="stack">
    ${problem && html`<p class="small bad-ink" role="alert">${problem}</p>`}
    ${memos && !memos.length && html`<p class="small soft">Nothing to remember.</p>`}
    <ul class="stack">${(memos || []).map((memo) => html`<li key=${memo.id}><p class="strong break">${memo.text}</p><p class="small soft">${moment(memo.due_at)}</p></li>`)}</ul>
    <p><a class="btn dense" href=${href("/memo")}><${Icon} name="plus" />Remind me</a></p>
  </div>`;
}

/** "Tomorrow, 09:00", in the words and the clock of the reader. */
function moment(iso) {
  const at = new Date(iso);
  const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86_400_000);
  const near = { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[days];
  const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(at);
  const year = at.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return `${near || new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year }).format(at)}, ${time}`;
}

function again({ repeat, every }) {
  const each = { hourly: "hour", daily: "day", weekdays: "weekday", weekly: "week", monthly: "month", yearly: "year" }[repeat];
  return every === 1 ? `every ${each}` : `every ${every} ${each}s`;
}

function words(error) {
  const fields = Object.values(error.fields || {});
  return fields.length ? fields.map((one) => one.message).join(" ") : error.message;
}

page({ name: "memo", label: "Memo", icon: "clock", Page: Memos });
card({ name: "memo-next", label: "Coming reminders", Card: Next });
