// MCP servers from AI clients of this computer or from pasted text: looked at first, then those that were chosen.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html, useState } from "../vendor/preact.js";
import { useHere } from "../widgets/here.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { Found } from "./tools_found.js";

const EXAMPLE = '{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}';

/** @param {{paste: boolean, added: () => void}} props */
export function Import({ paste, added }) {
  const [from, setFrom] = useState(/** @type {any} */ (null));
  const [found, setFound] = useState(/** @type {any[]|null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const here = useHere();
  const ask = async (/** @type {any} */ body, /** @type {boolean} */ dry) => {
    setBusy(true);
    setError(null);
    try {
      return (await api.post(`/api/v1/gateway/import${dry ? "?dry_run=true" : ""}`, body)).data;
    } catch (problem) {
      setError(problem);
      return null;
    } finally {
      setBusy(false);
    }
  };
  const look = async (/** @type {any} */ body) => {
    setFrom(body);
    setFound((await ask(body, true))?.servers || null);
  };
  const run = async (/** @type {Record<string, string>} */ names, /** @type {Record<string, string>} */ values) => {
    const done = await ask({ ...from, names, values }, false);
    if (!done) return;
    say(t("add.imported", { n: done.imported }));
    added();
    const first = done.servers.find((/** @type {any} */ one) => one.id !== null);
    if (here()) go(href(first ? `/tools/${first.id}` : "/tools"));
  };
  return html`
    ${!found && (paste ? html`<${Paste} before=${from?.text || ""} look=${look} busy=${busy} />` : html`<${Sources} look=${look} busy=${busy} />`)}
    ${error && html`<${Trouble} error=${error} what=${t("add.import_error")} />`}
    ${found && html`<${Found} servers=${found} busy=${busy} back=${() => setFound(null)} run=${run} />`}`;
}

/** @param {{look: (body: any) => void, busy: boolean}} props */
function Sources({ look, busy }) {
  const { data, error, slow, reload } = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/gateway/import/sources", { signal })).data), []);
  if (error?.code === "loopback_only") return html`<p class="note"><span>${t("add.elsewhere")}</span></p>`;
  if (error && !data) return html`<${Trouble} error=${error} what=${t("clients.error")} retry=${reload} />`;
  if (!data) return slow ? html`<section class="card"><${Skeleton} rows=${6} /></section>` : null;
  return html`<section class="card" aria-labelledby="sources-title">
    <header><h3 id="sources-title" class="section-title">${t("add.sources")}</h3></header>
    <ul class="plain-list">${data.map((one) => html`<li key=${one.client} class="client">
      <div class="grow min0 stack tight"><b>${one.label}</b><code class="small muted clip">${one.problem || one.path}</code></div>
      <${State} kind=${one.problem ? "warn" : one.servers ? "ok" : "off"}>${one.problem ? t("clients.unreadable") : one.exists ? t("add.has", { n: one.servers }) : t("clients.not_found")}<//>
      <button class="btn dense" type="button" disabled=${busy || !one.servers} aria-label=${t("add.look_at", { name: one.label })} onClick=${() => look({ source: one.client })}>${t("add.look")}</button>
    </li>`)}</ul>
  </section>`;
}

/** @param {{before: string, look: (body: any) => void, busy: boolean}} props `before`: what was looked at already */
function Paste({ before, look, busy }) {
  const [text, setText] = useState(before);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (text.trim()) look({ text });
  };
  return html`<form class="form" onSubmit=${submit}>
    <div class="field"><label for="paste-text">${t("add.paste_label")}</label>
      <textarea class="input mono" id="paste-text" rows="12" spellcheck="false" placeholder=${EXAMPLE} value=${text} aria-describedby="paste-text-help" onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea>
      <p class="help" id="paste-text-help">${t("add.paste_help")}</p></div>
    <div class="row"><button class="btn primary" type="submit" disabled=${busy || !text.trim()}><${Icon} name="eye" />${t("add.look_pasted")}</button></div>
  </form>`;
}
