// The protocol of one MCP server as it passes: every message in both directions, live, while an admin watches.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { base } from "../store.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { Empty, Trouble, sentence } from "../widgets/trouble.js";
import { MessagePair } from "./tools_message.js";
import { MessageRows } from "./tools_message_rows.js";
import { matching, useMessages } from "./tools_message_stream.js";

const KINDS = ["", "request", "answer", "notification", "failed"];

/** @param {{server: any, query: URLSearchParams, restart: () => Promise<void>, again: (method: string, params: any) => void, tools: () => void, changed: () => void}} props `again` opens the form of a tool, prompt or resource, filled in */
export function Messages({ server, query, restart, again, tools, changed }) {
  const at = `/api/v1/gateway/${server.id}`;
  const [paused, pause] = useState(false);
  const [cleared, clear] = useState(0);
  const [busy, setBusy] = useState(false);
  const [words, setWords] = useState(query.get("q") || "");
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const { told, messages, error, look } = useMessages(at, paused);
  const kind = query.get("kind") || "";
  const move = (/** @type {Record<string, string|null>} */ next, replace = true) => go(href(`/tools/${server.id}`, { view: "messages", kind, q: words, message: query.get("message"), ...next }), { replace });
  const act = async (/** @type {() => Promise<any>} */ deed) => {
    setBusy(true);
    try {
      await deed();
      pause(false);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
    look();
    changed();
  };
  const begin = () => act(() => api.put(`${at}/messages/watch`, undefined));
  const beginAnew = () => act(() => api.put(`${at}/messages/watch`, undefined).then(restart));
  if (error && !told) return html`<div class="bench-empty"><${Trouble} error=${error} what=${t("messages.error")} retry=${look} /></div>`;
  if (!told) return null;
  if (!told.watching && !messages.length) {
    return html`<div class="scroll"><${Empty} heading=${t("messages.off")} words=${t(server.own ? "messages.off_words_own" : "messages.off_words")} curl=${curl(`${at}/messages/watch`, { method: "PUT" })}>
      <p class="small soft">${t("messages.rules")}</p>
      <div class="row wrap messages-begin"><button class="btn primary" type="button" disabled=${busy} onClick=${begin}><${Icon} name="eye" />${t("messages.watch")}</button>
        ${!server.own && server.enabled && html`<button class="btn" type="button" disabled=${busy} onClick=${beginAnew}><${Icon} name="refresh" />${t("messages.watch_start")}</button>`}</div>
    <//></div>`;
  }
  const kept = messages.filter((one) => one.sequence > cleared);
  const shown = matching(kept, kind, words);
  const chosen = messages.find((one) => String(one.sequence) === query.get("message")) || null;
  const open = (/** @type {number|null} */ sequence) => move({ message: sequence === null ? null : String(sequence) }, Boolean(chosen) && sequence !== null);
  const close = () => {
    const row = chosen?.sequence;
    open(null);
    requestAnimationFrame(() => /** @type {HTMLElement|null} */ (list.current?.querySelector(`[data-sequence="${row}"]`))?.focus());
  };
  const file = new URLSearchParams({ after: String(cleared), limit: "1000", q: words.trim() });
  if (kind === "failed") file.set("failed", "true");
  else if (kind) file.set("kind", kind);
  return html`<div class="messages" data-open=${chosen ? "message" : "list"}>
    <div class="messages-bar">
      <div class="row wrap">
        <${Live} told=${told} paused=${paused} error=${error} />
        <span class="grow"></span>
        ${told.watching ? html`
          <button class="btn dense" type="button" onClick=${() => pause(!paused)}>${t(paused ? "messages.go_on" : "messages.pause")}</button>
          <button class="btn dense" type="button" disabled=${!kept.length} onClick=${() => clear(messages.at(-1)?.sequence || 0)}>${t("messages.clear")}</button>
          <a class="btn only dense" href=${`${base}${at}/messages/export?${file}`} download aria-label=${t("messages.export")} title=${t("messages.export")}><${Icon} name="download" /></a>
          <button class="btn dense" type="button" disabled=${busy} aria-label=${t("messages.stop_watching")} title=${t("messages.stop_watching")} onClick=${() => act(() => api.delete(`${at}/messages/watch`))}>${t("messages.stop")}</button>`
        : html`<button class="btn primary dense" type="button" disabled=${busy} onClick=${begin}><${Icon} name="eye" />${t("messages.watch_again")}</button>`}
      </div>
      <div class="row wrap" role="search" aria-label=${t("messages.filter")}>
        <div class="segmented dense" role="group" aria-label=${t("messages.kind")}>${KINDS.map((one) => html`<button key=${one} type="button" aria-pressed=${kind === one ? "true" : "false"} onClick=${() => move({ kind: one })}>${t(`messages.kinds_${one || "all"}`)}</button>`)}</div>
        <input class="input dense grow" type="search" maxlength="200" aria-label=${t("messages.search")} placeholder=${t("messages.search")} value=${words}
          onInput=${(/** @type {any} */ event) => setWords(event.target.value)} onChange=${() => move({})} />
        <span class="small muted num">${t("messages.count", { n: shown.length })}</span>
      </div>
    </div>
    <div class="messages-body">
      <div class="messages-list" ref=${list}>
        ${shown.length ? html`<${MessageRows} messages=${shown} chosen=${chosen} open=${open} follow=${!paused} />`
          : html`<${Nothing} server=${server} filtered=${kept.length > 0} cleared=${messages.length - kept.length} all=${() => { setWords(""); move({ kind: "", q: "" }); }} back=${() => clear(0)} restart=${() => act(restart)} tools=${tools} busy=${busy} />`}
        ${told.forgotten > 0 && shown.length > 0 && html`<p class="tiny muted messages-foot">${t("messages.forgotten", { n: told.forgotten })}</p>`}
      </div>
      ${chosen && html`<${MessagePair} key=${chosen.sequence} message=${chosen} messages=${messages} close=${close} again=${again} />`}
    </div>
  </div>`;
}

/** Whether it is watched, and for how long still. @param {{told: import("./tools_message_stream.js").Standing, paused: boolean, error: any}} props */
function Live({ told, paused, error }) {
  if (error) return html`<${State} kind="warn">${sentence(error)}<//>`;
  if (!told.watching) return html`<${State} kind="off">${t("messages.ended")}<//>`;
  if (paused) return html`<${State} kind="wait">${t("messages.paused")}<//>`;
  return html`<span title=${t("messages.until", { n: Math.ceil(told.seconds_left / 60) })}><${State} kind="ok">${t("messages.live")}<//></span>`;
}

/**
 * What stands in place of the list: how something comes into it.
 * @param {{server: any, filtered: boolean, cleared: number, all: () => void, back: () => void, restart: () => void, tools: () => void, busy: boolean}} props
 */
function Nothing({ server, filtered, cleared, all, back, restart, tools, busy }) {
  if (filtered) return html`<p class="row wrap messages-none"><span>${t("messages.no_match")}</span><button class="btn dense" type="button" onClick=${all}>${t("filter.clear")}</button></p>`;
  return html`<div class="stack messages-none">
    <p class="soft">${t(server.own ? "messages.waiting_own" : "messages.waiting")}</p>
    <div class="row wrap">
      <button class="btn" type="button" onClick=${tools}><${Icon} name="play" />${t("messages.run_one")}</button>
      ${!server.own && server.enabled && html`<button class="btn" type="button" disabled=${busy} onClick=${restart}><${Icon} name="refresh" />${t("servers.restart")}</button>`}
      ${cleared > 0 && html`<button class="btn quiet" type="button" onClick=${back}>${t("messages.back", { n: cleared })}</button>`}
    </div>
  </div>`;
}
