// The catalogue of well-known MCP servers: found by words, filled in, added.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html, useState } from "../vendor/preact.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { useHere } from "../widgets/here.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble, sentence } from "../widgets/trouble.js";

/** @param {{added: () => void}} props */
export function Known({ added }) {
  const { data, error, slow, reload } = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/gateway/catalogue", { signal })).data), []);
  const [words, setWords] = useState("");
  const [chosen, choose] = useState(/** @type {any} */ (null));
  if (error && !data) return html`<${Trouble} error=${error} what=${t("add.error")} retry=${reload} />`;
  if (!data) return slow ? html`<section class="card"><${Skeleton} rows=${6} /></section>` : null;
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = data.filter((one) => wanted.every((word) => `${one.label} ${one.name} ${one.category} ${one.summary}`.toLowerCase().includes(word)));
  return html`
    <input class="input" type="search" aria-label=${t("add.search")} placeholder=${t("add.search")} value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
    <p class="small soft">${t("add.known_words")}</p>
    ${!shown.length && html`<p class="small soft" role="status">${t("add.no_match")}</p>`}
    <ul class="known-grid">${shown.map((one) => html`<li key=${one.name} class="plugin known">
      <header><span class="tile"><${Icon} name=${one.transport === "http" ? "cloud" : "terminal"} /></span>
        <div class="grow min0"><h3 class="clip">${one.label}</h3><p class="tiny muted">${one.category}, ${one.transport === "http" ? t("add.remote") : t("add.needs_program", { program: one.program })}</p></div></header>
      <p>${one.summary}</p>
      <footer>${one.added_as && html`<span class="tag ok">${t("add.there", { name: one.added_as })}</span>`}<span class="grow"></span>
        <a class="btn quiet dense" href=${one.homepage} target="_blank" rel="noopener noreferrer">${t("add.about")}</a>
        <button class="btn dense" type="button" aria-label=${t("add.add_of", { name: one.label })} onClick=${() => choose(one)}><${Icon} name="plus" />${t("add.add")}</button></footer>
    </li>`)}</ul>
    ${chosen && html`<${Fill} known=${chosen} close=${() => choose(null)} added=${added} />`}`;
}

/** @param {{known: any, close: () => void, added: () => void}} props */
function Fill({ known, close, added }) {
  const [values, setValues] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const here = useHere();
  const set = (/** @type {string} */ key) => (/** @type {any} */ event) => setValues((now) => ({ ...now, [key]: event.target.value }));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    const given = (/** @type {any[]} */ list, /** @type {string} */ key) => Object.fromEntries(list.filter((one) => (values[one[key]] || "").trim()).map((one) => {
      const text = values[one[key]].trim();
      return [one[key], one.many ? text.split("\n").map((line) => line.trim()).filter(Boolean) : text];
    }));
    try {
      const { data } = await api.post(`/api/v1/gateway/catalogue/${known.name}/add`, { arguments: given(known.arguments, "key"), variables: given(known.variables, "name") });
      say(t("add.added", { name: data.name }));
      added();
      if (here()) go(href(`/tools/${data.id}`));
    } catch (refused) {
      setProblem(refused);
      setBusy(false);
    }
  };
  const about = (/** @type {string} */ key) => problem?.fields && Object.entries(problem.fields).find(([name]) => name === key || name.endsWith(`.${key}`))?.[1]?.message;
  const fields = [
    ...known.arguments.map((/** @type {any} */ one) => ({ ...one, id: one.key })),
    ...known.variables.map((/** @type {any} */ one) => ({ ...one, id: one.name })),
  ];
  const unsaid = problem && !fields.some((one) => about(one.id));
  return html`<${Dialog} label="known-title" onClose=${close}>
    <h2 id="known-title">${t("add.add_of", { name: known.label })}</h2>
    <form class="form" onSubmit=${submit}>
      ${known.note && html`<div class="note info"><${Icon} name="info" /><span>${known.note}</span></div>`}
      ${known.package && html`<p class="small soft">${t("add.fetches")} <code>${known.package.name} ${known.package.version}</code></p>`}
      ${fields.map((one) => html`<${Labelled} key=${one.id} id=${`known-${one.id}`} label=${one.label} need=${one.required} type=${one.secret ? t("add.secret") : one.many ? t("schema.lines") : undefined} help=${one.help} error=${about(one.id)}>
        ${one.many
          ? html`<textarea class="input mono" id=${`known-${one.id}`} rows="3" spellcheck="false" value=${values[one.id] || ""} onInput=${set(one.id)}></textarea>`
          : html`<input class="input mono" id=${`known-${one.id}`} type=${one.secret ? "password" : "text"} autocomplete="off" spellcheck="false" value=${values[one.id] || ""} onInput=${set(one.id)} />`}
      <//>`)}
      ${!fields.length && html`<p class="small soft">${t("add.needs_nothing")}</p>`}
      ${known.signs_in && html`<p class="small soft">${t("add.signs_in")}</p>`}
      ${unsaid && html`<div class="field"><${FieldError} text=${Object.values(problem.fields || {})[0]?.message || sentence(problem)} /></div>`}
      <footer><${Cancel} /><button class="btn primary" type="submit" disabled=${busy}>${t("add.add")}</button></footer>
    </form>
  <//>`;
}
