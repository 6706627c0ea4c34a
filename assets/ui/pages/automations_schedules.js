// What runs by itself: when next, paused, begun now.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { formatDuration, formatExact, t } from "../i18n.js";
import { href } from "../router.js";
import { html } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon } from "../widgets/icon.js";
import { Ago } from "../widgets/time.js";
import { Rows, useRows } from "./automations_rows.js";

const CURL = curl("/api/v1/schedules", { json: '{"name": "tea", "task": "remind", "input": {"title": "Tea is ready"}, "cron": "0 16 * * mon-fri"}' });

/** @param {{add: string|false, told: (none: boolean) => void}} props `add`: where one is made; `told` hears whether there is none */
export function Schedules({ add, told }) {
  const rows = useRows("schedules", "sort=name&limit=200&total=false");
  return html`<${Rows} rows=${rows} what=${t("automations.error")} label=${t("automations.schedules")} none=${{ heading: t("automations.no_schedules"), words: t("automations.no_schedules_words"), curl: CURL, add: add && { to: add, label: t("automations.new_schedules") } }} told=${told}
    draw=${(/** @type {any} */ one) => html`<${Schedule} key=${one.id} schedule=${one} act=${rows.act} />`} />`;
}

/** @param {{schedule: any, act: ReturnType<typeof useRows>["act"]}} props */
function Schedule({ schedule, act }) {
  const path = `/api/v1/schedules/${schedule.id}`;
  const [busy, once] = useBusy();
  const toggle = (/** @type {any} */ event) => {
    const enabled = event.target.checked;
    event.target.checked = schedule.enabled;
    act(() => api.patch(path, { enabled }), t(enabled ? "schedule.did_resume" : "schedule.did_pause", { name: schedule.name }));
  };
  return html`<li class="schedule">
    <input class="switch" type="checkbox" role="switch" aria-label=${t("schedule.switch", { name: schedule.name })} checked=${schedule.enabled} onChange=${toggle} />
    <div class="grow min0 stack tight">
      <p class="row wrap"><b>${schedule.name}</b><span class="small muted"><code>${schedule.task}</code></span></p>
      <p class="small soft">${when(schedule)}${schedule.enabled && schedule.next_run_at ? html`, ${t("schedule.next")} <${Ago} iso=${schedule.next_run_at} />` : ""}${schedule.last_run_at ? html`, ${t("schedule.last")} <${Ago} iso=${schedule.last_run_at} />` : ""}</p>
      ${schedule.problem && html`<p class="small bad-ink">${schedule.problem}</p>`}
    </div>
    <button class="btn dense" type="button" disabled=${busy} onClick=${(/** @type {Event} */ event) => once(() => act(() => api.post(`${path}/run`), t("schedule.did_run", { name: schedule.name })), event)}><${Icon} name="play" />${t("schedule.run")}</button>
    <a class="btn only quiet dense" href=${href("/data/schedules", { record: schedule.id, back: "/automations/schedules" })} aria-label=${t("schedule.edit", { name: schedule.name })} title=${t("schedule.edit", { name: schedule.name })}><${Icon} name="edit" /></a>
  </li>`;
}

/** @param {any} schedule */
function when(schedule) {
  if (schedule.cron) return t("schedule.cron", { cron: schedule.cron, zone: schedule.time_zone || "" });
  if (schedule.every_seconds) return t("schedule.every", { time: schedule.every_seconds < 60 ? `${schedule.every_seconds} s` : formatDuration(schedule.every_seconds) });
  return schedule.at ? t("schedule.once", { time: formatExact(schedule.at) }) : "";
}
