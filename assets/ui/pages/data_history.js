// What happened to one record: who, when, before and after, and the way back to an earlier version.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { may } from "../store.js";
import { sayChanged } from "../undo.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble, sentence } from "../widgets/trouble.js";
import { inCell } from "./data_table.js";

const STEP = 50;
/** @type {Record<string, string>} */
const ICONS = { create: "plus", update: "edit", delete: "trash", restore: "history" };

/** @param {{model: import("../types").Model, id: string, restored: () => void}} props */
export function RecordHistory({ model, id, restored }) {
  const [shown, setShown] = useState(STEP);
  const path = `/api/v1/${model.name}/${id}`;
  const { data, error, slow, reload } = useLoad(async (signal) => (await api.get(`${path}/history`, { signal, query: `limit=${shown}` })).data, [path, shown]);
  const [busy, once] = useBusy();
  const restore = (/** @type {any} */ entry, /** @type {Event} */ event) => once(async () => {
    try {
      const answer = await api.post(`${path}/restore?before=${entry.id}`);
      sayChanged(model, answer.data, t("history.restored"));
      restored();
      reload();
    } catch (problem) {
      say(sentence(problem), "bad");
    }
  }, event);
  if (error && !data) return html`<${Trouble} error=${error} what=${t("history.error")} retry=${reload} />`;
  if (!data) return slow ? html`<${Skeleton} rows=${6} />` : null;
  if (!data.length) return html`<p class="small soft">${t("history.none")}</p>`;
  return html`<ol class="history">
      ${data.map((/** @type {any} */ entry) => html`<li key=${entry.id}>
        <${Icon} name=${ICONS[entry.verb] || "clock"} size=${16} />
        <div class="grow stack">
          <p class="small"><b>${entry.actor_name}</b> ${t(`history.${entry.verb in ICONS ? entry.verb : "other"}`)} <span class="muted"><${Ago} iso=${entry.at} /></span></p>
          ${entry.verb === "update" && html`<${Difference} model=${model} before=${entry.before || {}} after=${entry.after || {}} />`}
          ${entry.verb === "update" && may(model, "update") && html`<div>
            <button class="btn dense" type="button" disabled=${busy} onClick=${(/** @type {Event} */ event) => restore(entry, event)} title=${t("history.restore_help")}><${Icon} name="history" />${t("history.put_back")}</button>
          </div>`}
        </div>
      </li>`)}
    </ol>
    ${data.length === shown && html`<button class="btn dense" type="button" onClick=${() => setShown(Math.min(shown + STEP * 3, 500))}>${t("history.more")}</button>`}`;
}

/** @param {{model: import("../types").Model, before: Record<string, any>, after: Record<string, any>}} props */
function Difference({ model, before, after }) {
  const names = Object.keys(after);
  return html`<dl class="diff">
    ${names.map((name) => {
      const field = model.fields.find((one) => one.name === name);
      const shown = (/** @type {any} */ value) => (field ? inCell(field, value) : String(value ?? "–"));
      return html`<div key=${name}>
        <dt>${field?.label || name}</dt>
        <dd class="was"><i aria-hidden="true">−</i><span class="vh">${t("history.before")}</span><del>${shown(before[name])}</del></dd>
        <dd class="now"><i aria-hidden="true">+</i><span class="vh">${t("history.after")}</span><ins>${shown(after[name])}</ins></dd>
      </div>`;
    })}
  </dl>`;
}
