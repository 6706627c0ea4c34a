// Webhooks out: who is told of what, whether it arrives, and what was answered.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { formatExact, t } from "../i18n.js";
import { href } from "../router.js";
import { html } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon, State } from "../widgets/icon.js";
import { JsonCode } from "../widgets/json_code.js";
import { Ago } from "../widgets/time.js";
import { Rows, useRows } from "./automations_rows.js";

/** @type {Record<string, "ok"|"busy"|"bad"|"wait">} */
const SHAPES = { waiting: "wait", queued: "busy", delivered: "ok", failed: "bad" };
const CURL = curl("/api/v1/webhooks", { json: '{"name": "notes", "url": "https://example.com/hook", "events": ["notes"]}' });

/** @param {{add: string|false, told: (none: boolean) => void}} props `add`: where one is made; `told` hears whether there is none */
export function Webhooks({ add, told }) {
  const hooks = useRows("webhooks", "sort=name&limit=200&total=false");
  const deliveries = useRows("webhook_deliveries", "sort=-id&limit=50&total=false");
  const names = new Map((hooks.data || []).map((one) => [one.id, one.name]));
  return html`
    <${Rows} rows=${hooks} what=${t("automations.error")} label=${t("automations.webhooks")} none=${{ heading: t("automations.no_webhooks"), words: t("automations.no_webhooks_words"), curl: CURL, add: add && { to: add, label: t("automations.new_webhooks") } }} told=${told}
      draw=${(/** @type {any} */ one) => html`<${Webhook} key=${one.id} hook=${one} act=${hooks.act} />`} />
    ${deliveries.data && deliveries.data.length > 0 && html`<h2 class="section-title">${t("webhook.deliveries")}</h2>
      <${Rows} rows=${deliveries} what=${t("automations.error")} label=${t("webhook.deliveries")} none=${{ heading: "", words: "" }}
        draw=${(/** @type {any} */ one) => html`<${Delivery} key=${one.id} delivery=${one} name=${names.get(one.webhook_id) || String(one.webhook_id)} act=${deliveries.act} />`} />`}`;
}

/** @param {{hook: any, act: ReturnType<typeof useRows>["act"]}} props */
function Webhook({ hook, act }) {
  const path = `/api/v1/webhooks/${hook.id}`;
  const [busy, once] = useBusy();
  const toggle = (/** @type {any} */ event) => {
    const enabled = event.target.checked;
    event.target.checked = hook.enabled;
    act(() => api.patch(path, { enabled }), "");
  };
  return html`<li class="schedule">
    <input class="switch" type="checkbox" role="switch" aria-label=${t("webhook.switch", { name: hook.name })} checked=${hook.enabled} onChange=${toggle} />
    <div class="grow min0 stack tight">
      <p><b>${hook.name}</b></p>
      <p class="small soft clip"><code>${hook.url}</code></p>
      <p class="small muted clip">${(hook.events || []).join(", ")}</p>
      ${hook.disabled_because && html`<p class="small bad-ink">${hook.disabled_because}</p>`}
    </div>
    <button class="btn dense" type="button" disabled=${busy} onClick=${(/** @type {Event} */ event) => once(() => act(() => api.post(`${path}/test`), t("webhook.tested")), event)}><${Icon} name="send" />${t("webhook.test")}</button>
    <a class="btn only quiet dense" href=${href("/data/webhooks", { record: hook.id, back: "/automations/webhooks" })} aria-label=${t("schedule.edit", { name: hook.name })} title=${t("schedule.edit", { name: hook.name })}><${Icon} name="edit" /></a>
  </li>`;
}

/** @param {{delivery: any, name: string, act: ReturnType<typeof useRows>["act"]}} props */
function Delivery({ delivery, name, act }) {
  const ended = delivery.status === "delivered" || delivery.status === "failed";
  const [busy, once] = useBusy();
  return html`<li><details>
    <summary>
      <${State} kind=${SHAPES[delivery.status] || "wait"}><span class="vh">${t(`webhook.${delivery.status}`)}</span><//>
      <span class="clip name">${delivery.event}</span>
      <span class="small soft clip who">${name}</span>
      <span class="small muted num">${delivery.answer_status ?? ""}</span>
      <span class="small muted when"><${Ago} iso=${delivery.created_at} /></span>
    </summary>
    <div class="stack wide call-body">
      ${delivery.error && html`<p class="note bad"><${Icon} name="alert" /><span>${delivery.error}</span></p>`}
      <dl class="facts">
        <dt>${t("webhook.state")}</dt><dd>${t(`webhook.${delivery.status}`)}</dd>
        <dt>${t("task.attempts")}</dt><dd>${delivery.attempts}</dd>
        ${delivery.next_attempt_at && !ended && html`<dt>${t("webhook.next")}</dt><dd>${formatExact(delivery.next_attempt_at)}</dd>`}
        <dt>${t("calls.request")}</dt><dd><code>${delivery.key}</code></dd>
      </dl>
      ${delivery.payload && html`<div class="stack"><h3 class="small">${t("webhook.sent")}</h3><${JsonCode} value=${delivery.payload} label=${t("webhook.sent")} /></div>`}
      ${delivery.answer_body && html`<div class="stack"><h3 class="small">${t("webhook.answer")}</h3><pre class="code wrap" tabindex="0" role="group" aria-label=${t("webhook.answer")}>${delivery.answer_body}</pre></div>`}
      ${ended && html`<div class="row"><button class="btn dense" type="button" disabled=${busy} onClick=${(/** @type {Event} */ event) => once(() => act(() => api.post(`/api/v1/webhook_deliveries/${delivery.id}/redeliver`), t("webhook.did_redeliver")), event)}><${Icon} name="refresh" />${t("webhook.redeliver")}</button></div>`}
    </div>
  </details></li>`;
}
