// One request: everything that is known of it, what else it did, and the way to more of its kind.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { formatExact, t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { CopyButton, Copyable } from "../widgets/copy.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { ActivityDrawer } from "./activity_frame.js";
import { REQUEST_SHAPES, took } from "./activity_level.js";

/** What to do about some refusals; for the others about their level. @type {Record<number, string>} */
const REMEDIES = { 401: "nobody", 403: "may_not", 429: "limit" };

const AROUND_MS = 10 * 60_000;

/** @param {{id: string, rows: any[], close: () => void, narrow: (next: Record<string, string|null>) => void}} props */
export function RequestDrawer({ id, rows, close, narrow }) {
  const listed = rows.find((one) => String(one.id) === id);
  const loaded = useLoad(async (signal) => listed || (await api.get(`/api/v1/requests/${id}`, { signal })).data, [id]);
  const { data } = loaded;
  return html`<${ActivityDrawer} loaded=${loaded} title=${data && `${data.method} ${data.path}`} at=${data?.created_at} label=${t("activity.request")} trouble=${t("activity.error")} close=${close}>
    ${data && html`<${Facts} row=${data} narrow=${narrow} />`}
  <//>`;
}

/** @param {{row: any, narrow: (next: Record<string, string|null>) => void}} props */
function Facts({ row, narrow }) {
  const calls = modelNamed("tool_calls");
  const linked = useLoad(async (signal) => (calls ? (await api.get("/api/v1/tool_calls", { signal, query: `request_id=${row.request_id}&limit=20` })).data : []), [row.request_id]);
  // What was sent along is not kept, so only what needs nothing can be asked again as it was.
  const whole = row.method === "GET" && row.path.startsWith("/api/v1/");
  return html`
    <p><${State} kind=${REQUEST_SHAPES[row.level]}>${row.status} ${t(`activity.level_${row.level}`)}<//></p>
    ${row.level !== "ok" && html`<div class=${`note ${row.level === "failed" ? "bad" : "warn"}`}><${Icon} name="alert" /><p>${t(`activity.what_${REMEDIES[row.status] || row.level}`)}</p></div>`}
    <dl class="facts about-facts">
      <dt>${t("activity.at")}</dt><dd>${formatExact(row.created_at)}</dd>
      <dt>${t("activity.id")}</dt><dd class="row"><code>${row.request_id}</code><${CopyButton} text=${row.request_id} label=${t("activity.copy_id")} /></dd>
      <dt>${t("activity.took")}</dt><dd>${took(row.duration_ms)}</dd>
      <dt>${t("activity.by")}</dt><dd>${row.user_name ? `${row.user_name}, ${t("activity.through", { how: row.through })}` : t("activity.nobody")}</dd>
      <dt>${t("activity.address")}</dt><dd><code>${row.address || "–"}</code></dd>
      <dt>${t("activity.surface")}</dt><dd>${t(`activity.surface_${row.surface}`)}</dd>
    </dl>
    ${linked.data?.length > 0 && html`<section class="stack"><h3 class="small strong">${t("activity.calls_of")}</h3><ul class="plain-list card">${linked.data.map((/** @type {any} */ one) => html`<li key=${one.id}><span class="mono clip grow">${one.server ? `${one.server}__${one.tool}` : one.tool}</span><span class="small">${t(`calls.${one.outcome}`)}</span></li>`)}</ul>
      <a class="link small" href=${href("/activity/calls", { q: linked.data[0].tool })}>${t("activity.to_calls")}</a></section>`}
    <div class="row wrap">
      ${isAdmin() && html`<a class="btn dense" href=${href("/activity/log", around(row))}>${t("activity.to_log")}</a>`}
      ${isAdmin() && row.user_name && html`<button class="btn dense" type="button" onClick=${() => narrow({ user_name: row.user_name, request: null })}>${t("activity.more_of", { name: row.user_name })}</button>`}
      ${row.level !== "ok" && html`<button class="btn dense" type="button" onClick=${() => narrow({ level: row.level, request: null })}>${t("activity.more_like")}</button>`}
    </div>
    ${whole && html`<section class="stack"><h3 class="small strong">${t("activity.again")}</h3><${Copyable} text=${curl(row.path)} /></section>`}`;
}

/** Where in the server's log to look for it. @param {any} row @returns {Record<string, string>} */
function around(row) {
  const at = Date.parse(row.created_at);
  return { q: row.request_id, from: new Date(at - AROUND_MS).toISOString(), to: new Date(at + row.duration_ms + AROUND_MS).toISOString() };
}
