// What an admin, or the owner, decides about a server's tools: which are offered, under which name, and whether a change is accepted.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";
import { Changes } from "./tools_changes.js";

/** Waits for somebody's yes. @param {any} tool */
export function waits(tool) {
  return tool.state === "new" || tool.state === "changed";
}

/** What the server says to models about all of its tools stands among them. @param {any} tool */
function isInstructions(tool) {
  return tool.kind === "instructions";
}

/** @param {any} tool */
function editLabel(tool) {
  return isInstructions(tool) ? t("manage.reword") : t("manage.edit", { name: tool.name });
}

/** @param {{server: any, tools: any[], reload: () => void}} props */
export function ManageTools({ server, tools, reload }) {
  const waiting = tools.filter(waits);
  const path = `/api/v1/gateway/${server.id}`;
  const [busy, once] = useBusy();
  const act = async (/** @type {() => Promise<any>} */ deed, /** @type {string} */ done) => {
    try {
      await deed();
      if (done) say(done);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    reload();
  };
  const approve = (/** @type {any[]} */ some) => act(() => api.post(`${path}/tools/approve`, { tools: some.map(({ name, hash }) => ({ name, hash })) }), t("manage.approved", { n: some.length }));
  const change = (/** @type {any} */ tool, /** @type {any} */ values) => act(() => api.patch(`${path}/tools/${encodeURIComponent(tool.name)}`, values), "");
  return html`<div class="scroll manage">
    <div class="row wrap manage-bar">
      <p class="small soft grow">${t("manage.words")}</p>
      ${waiting.length > 1 && html`<button class="btn dense" type="button" disabled=${busy} onClick=${() => once(() => approve(waiting))}>${t("manage.approve_all", { n: waiting.length })}</button>`}
      ${!server.own && html`<button class="btn dense" type="button" disabled=${busy} onClick=${() => once(() => act(() => api.post(`${path}/refresh`), t("manage.asked")))}><${Icon} name="refresh" />${t("manage.ask")}</button>`}
    </div>
    <ul class="plain-list">${[...waiting, ...tools.filter((one) => !waits(one))].map((tool) => html`<${ManagedTool} key=${tool.original_name} tool=${tool} server=${server} approve=${() => approve([tool])} change=${(/** @type {any} */ values) => change(tool, values)} reload=${reload} />`)}</ul>
  </div>`;
}

/** @param {{tool: any, server: any, approve: () => Promise<void>, change: (values: any) => Promise<void>, reload: () => void}} props */
function ManagedTool({ tool, server, approve, change, reload }) {
  const [editing, edit] = useState(false);
  const [busy, once] = useBusy();
  const toggle = (/** @type {any} */ event) => {
    const wanted = event.target.checked;
    event.target.checked = tool.enabled;
    once(() => change({ enabled: wanted }));
  };
  return html`<li class="managed">
    <input class="switch" type="checkbox" role="switch" aria-label=${t("manage.offer", { name: isInstructions(tool) ? t("manage.instructions") : tool.name })} checked=${tool.enabled} onChange=${toggle} />
    <div class="grow min0 stack tight">
      <p class="row wrap">${isInstructions(tool) ? html`<span>${t("manage.instructions")}</span>` : html`<code>${tool.name}</code>`}${tool.original_name !== tool.name && html`<span class="small muted">${t("manage.was", { name: tool.original_name })}</span>`}
        ${tool.state !== "approved" && html`<span class=${`tag ${waits(tool) ? "warn" : ""}`}>${t(`manage.state_${tool.state}`)}</span>`}</p>
      ${tool.description && html`<p class="small soft lines">${tool.description}</p>`}
      ${waits(tool) && html`<details class="folded"><summary><${Icon} name="right" size=${14} extra="turn" />${t("manage.look", { n: tool.changes?.length || 0 })}${tool.version && html`<span class="muted">${t("manage.version", { version: tool.version })}</span>`}</summary>${tool.changes?.length ? html`<${Changes} changes=${tool.changes} />` : html`<p class="small soft">${t("manage.other_version", { before: tool.approved_versions?.join(", ") || "–" })}</p>`}</details>`}
    </div>
    ${waits(tool) && html`<button class="btn dense" type="button" disabled=${busy} onClick=${() => once(approve)}><${Icon} name="check" />${t("manage.approve")}</button>`}
    <button class="btn only quiet dense" type="button" aria-label=${editLabel(tool)} title=${editLabel(tool)} onClick=${() => edit(true)}><${Icon} name="edit" /></button>
    ${editing && html`<${EditTool} tool=${tool} server=${server} close=${() => edit(false)} done=${reload} />`}
  </li>`;
}

/** @param {{tool: any, server: any, close: () => void, done: () => void}} props */
function EditTool({ tool, server, close, done }) {
  const own = tool.description !== tool.original_description ? tool.description : "";
  const [alias, setAlias] = useState(tool.alias || "");
  const [text, setText] = useState(own || "");
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [busy, once] = useBusy();
  const save = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    try {
      await api.patch(`/api/v1/gateway/${server.id}/tools/${encodeURIComponent(tool.name)}`, { alias: alias.trim() || null, description: text.trim() || null });
      say(t("account.saved"));
      close();
      done();
    } catch (refused) {
      setProblem(refused);
    }
  };
  const about = (/** @type {string} */ name) => problem?.fields?.[name]?.message;
  return html`<${Dialog} label="tool-title" onClose=${close}>
    <h2 id="tool-title">${isInstructions(tool) ? t("manage.reword") : t("manage.edit", { name: tool.original_name })}</h2>
    <form class="form" onSubmit=${save}>
      ${!isInstructions(tool) && html`<${Labelled} id="tool-alias" label=${t("manage.alias")} help=${t("manage.alias_help", { name: tool.original_name })} error=${about("alias")}>
        <input class="input mono" id="tool-alias" value=${alias} placeholder=${tool.original_name} autocomplete="off" spellcheck="false" aria-invalid=${about("alias") ? "true" : undefined} onInput=${(/** @type {any} */ event) => setAlias(event.target.value)} /><//>`}
      <${Labelled} id="tool-text" label=${t(isInstructions(tool) ? "manage.instructions" : "manage.description")} help=${t("manage.description_help")} error=${about("description")}>
        <textarea class="input" id="tool-text" rows="5" value=${text} placeholder=${tool.original_description || ""} onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea><//>
      ${problem && !Object.keys(problem.fields || {}).length && html`<div class="field"><${FieldError} text=${sentence(problem)} /></div>`}
      <footer><${Cancel} /><button class="btn primary" type="submit" disabled=${busy}>${t("account.save")}</button></footer>
    </form>
  <//>`;
}
