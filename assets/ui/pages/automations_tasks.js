// Work in the background: how far it is, what came of it; ended early or done once more.
import { api } from "../api.js";
import { formatExact, formatPercent, t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, may, modelNamed, person } from "../store.js";
import { html } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon, State } from "../widgets/icon.js";
import { JsonCode } from "../widgets/json_code.js";
import { Ago } from "../widgets/time.js";
import { Rows, useRows } from "./automations_rows.js";

/** @type {Record<string, "ok"|"busy"|"off"|"bad"|"wait"|"warn">} */
const SHAPES = { queued: "wait", running: "busy", completed: "ok", failed: "bad", cancelled: "off", interrupted: "warn" };
const AGAIN = ["failed", "cancelled", "interrupted"];

export function Tasks() {
  const rows = useRows("tasks", "sort=-id&limit=100&total=false");
  return html`<${Rows} rows=${rows} what=${t("automations.error")} label=${t("automations.tasks")} none=${{ heading: t("automations.no_tasks"), words: t("automations.no_tasks_words"), add: may(modelNamed("schedules"), "create") && { to: href("/data/schedules", { record: "new", back: "/automations/schedules" }), label: t("automations.new_schedules") } }}
    draw=${(/** @type {any} */ task) => html`<${Task} key=${task.key} task=${task} act=${rows.act} />`} />`;
}

/** @param {{task: any, act: ReturnType<typeof useRows>["act"]}} props */
function Task({ task, act }) {
  const [busy, once] = useBusy();
  const open = task.status === "queued" || task.status === "running";
  // Admins see those of others too; theirs are theirs to end, and nobody's are the admins'.
  const mine = task.owner_id === person.value?.id || (isAdmin() && task.owner_id === null);
  return html`<li><details>
    <summary>
      <${State} kind=${SHAPES[task.status] || "off"}><span class="vh">${t(`task.${task.status}`)}</span><//>
      <span class="clip name">${task.title || task.kind}</span>
      <span class="small soft clip who">${task.status === "running" && task.message ? task.message : t(`task.${task.status}`)}</span>
      <span class="small muted num">${task.status === "running" && task.progress !== null ? formatPercent(task.progress) : ""}</span>
      <span class="small muted when"><${Ago} iso=${task.finished_at || task.started_at || task.created_at} /></span>
    </summary>
    <div class="stack wide call-body">
      ${task.error && html`<p class="note bad"><${Icon} name="alert" /><span>${task.error}</span></p>`}
      ${task.status === "running" && task.message && html`<p class="small soft">${task.message}</p>`}
      ${task.status === "running" && task.progress !== null && html`<progress aria-label=${t("task.progress")} value=${task.progress} max="1"></progress>`}
      <dl class="facts">
        <dt>${t("task.kind")}</dt><dd><code>${task.kind}</code></dd>
        <dt>${t("task.begun")}</dt><dd>${task.started_at ? formatExact(task.started_at) : "–"}</dd>
        <dt>${t("task.ended")}</dt><dd>${task.finished_at ? formatExact(task.finished_at) : "–"}</dd>
        ${task.status === "queued" && task.not_before && html`<dt>${t("task.waits_until")}</dt><dd>${formatExact(task.not_before)}</dd>`}
        ${task.attempts > 1 && html`<dt>${t("task.attempts")}</dt><dd>${task.attempts}</dd>`}
      </dl>
      ${task.input && html`<div class="stack"><h2 class="small">${t("task.input")}</h2><${JsonCode} value=${task.input} label=${t("task.input")} /></div>`}
      ${task.result !== null && html`<div class="stack"><h2 class="small">${t("tools.result")}</h2><${JsonCode} value=${task.result} label=${t("tools.result")} /></div>`}
      ${task.failure !== null && html`<div class="stack"><h2 class="small">${t("task.failure")}</h2><${JsonCode} value=${task.failure} label=${t("task.failure")} /></div>`}
      ${task.log && html`<div class="stack"><h2 class="small">${t("task.log")}</h2><pre class="code wrap" tabindex="0" role="group" aria-label=${t("task.log")}>${task.log}</pre></div>`}
      <div class="row">
        ${mine && open && html`<button class="btn dense" type="button" onClick=${() => act(() => api.post(`/api/v1/tasks/${task.key}/cancel`), t("task.did_cancel"))}><${Icon} name="stop" />${t("task.cancel")}</button>`}
        ${mine && AGAIN.includes(task.status) && html`<button class="btn dense" type="button" disabled=${busy} onClick=${(/** @type {Event} */ event) => once(() => act(() => api.post(`/api/v1/tasks/${task.key}/retry`), t("task.did_retry")), event)}><${Icon} name="refresh" />${t("task.retry")}</button>`}
      </div>
    </div>
  </details></li>`;
}
