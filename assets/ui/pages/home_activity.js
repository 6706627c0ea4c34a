// What was asked of the server within a day, hour by hour: the bars at a glance, the numbers in a table behind them.
import { api } from "../api.js";
import { formatNumber, formatTime, t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Trouble, Waiting } from "../widgets/trouble.js";
import { Column } from "./activity_chart.js";
import { barsOf, rangeOf } from "./activity_range.js";

const WIDE = 480;
const HIGH = 64;
/** How an outcome of a call counts. @type {Record<string, string>} */
const LEVELS = { ok: "ok", tool_error: "failed", failed: "failed", timeout: "failed", refused: "refused", cancelled: "refused" };

/** @typedef {import("./activity_chart.js").Bar} Bar */
/** @typedef {{key: string, place: string, bars: Bar[]}} Series `key` is of the catalogue */

/** @param {AbortSignal} signal */
async function load(signal) {
  const range = rangeOf(new URLSearchParams({ range: "24h" }), Date.now());
  const since = new Date(range.from).toISOString();
  const groups = async (/** @type {string} */ model, /** @type {string} */ by) =>
    /** @type {any[]} */ ((await api.get(`/api/v1/${model}/aggregate`, { signal, query: `created_at__gte=${since}&group_by=created_at:hour,${by}` })).data);
  const [requests, calls] = await Promise.all([groups("requests", "level"), modelNamed("tool_calls") ? groups("tool_calls", "outcome") : null]);
  /** @type {Series[]} */
  const series = [{ key: "requests", place: href("/activity", { range: "24h" }), bars: barsOf(range, requests) }];
  if (calls) {
    const levelled = calls.map(({ group, count }) => ({ group: { created_at: group.created_at, level: LEVELS[group.outcome] || "ok" }, count }));
    series.push({ key: "calls", place: href("/activity/calls"), bars: barsOf(range, levelled) });
  }
  return series;
}

export function RecentActivity() {
  const page = useLoad(load, []);
  const { data, error, reload } = page;
  return html`<section class="card" aria-labelledby="recent-title">
    <header>
      <h2 id="recent-title">${t("recent.title")}</h2>
      <span class="grow">${data && t(isAdmin() ? "recent.of_all" : "recent.of_you")}</span>
      <a class="btn quiet dense" href=${href("/activity")}>${t("page.activity")}<${Icon} name="right" /></a>
    </header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("recent.error")} retry=${reload} /></div>`}
    <${Waiting} page=${page} rows=${3} />
    ${data && html`<div class="body stack wide">
      <div class="recent">${data.map((one) => html`<${Day} key=${one.key} series=${one} />`)}</div>
      <${Numbers} series=${data} />
    </div>`}
  </section>`;
}

/** @param {Bar} bar */
const countOf = (bar) => bar.ok + bar.refused + bar.failed;

/** @param {Bar[]} bars @param {"ok"|"refused"|"failed"} level */
const sum = (bars, level) => bars.reduce((all, one) => all + one[level], 0);

/** @param {{series: Series}} props */
function Day({ series }) {
  const { key, place, bars } = series;
  const most = Math.max(1, ...bars.map(countOf));
  const width = WIDE / bars.length;
  const total = bars.reduce((all, one) => all + countOf(one), 0);
  const [refused, failed] = [sum(bars, "refused"), sum(bars, "failed")];
  const busiest = bars.reduce((best, one) => (countOf(one) > countOf(best) ? one : best), bars[0]);
  const words = total ? t("recent.busiest", { time: formatTime(busiest.at, "hour"), n: countOf(busiest) }) : t("recent.quiet");
  return html`<figure class="stack tight">
    <figcaption class="row wrap"><a class="plain" href=${place}><b class="figure num">${formatNumber(total)}</b> ${t(`recent.${key}`, { n: total })}</a>
      ${refused > 0 && html`<span class="small warn-text">${t("recent.refused", { n: refused })}</span>`}${failed > 0 && html`<span class="small bad-text">${t("recent.failed", { n: failed })}</span>`}</figcaption>
    <svg class="chart" viewBox=${`0 0 ${WIDE} ${HIGH + 1}`} preserveAspectRatio="none" role="img" aria-label=${`${t(`recent.chart_${key}`)}: ${words}`}>
      <path class="rule" d=${`M0 .5h${WIDE}M0 ${HIGH / 2}h${WIDE}`} />
      ${bars.map((one, n) => html`<${Column} key=${one.at} bar=${one} x=${n * width + width * 0.12} width=${width * 0.76} scale=${(HIGH - 4) / most} high=${HIGH} dim=${false} />`)}
      <path class="base" d=${`M0 ${HIGH + 0.5}h${WIDE}`} />
    </svg>
    <p class="row tiny muted"><span>${formatTime(bars[0].at, "hour")}</span><span class="grow middle">${words}</span><span>${t("recent.now")}</span></p>
  </figure>`;
}

/** @param {{series: Series[]}} props */
function Numbers({ series }) {
  const hours = series[0].bars.map((bar, n) => ({ at: bar.at, all: series.map((one) => one.bars[n]) })).filter(({ all }) => all.some((bar) => countOf(bar) > 0));
  if (!hours.length) return null;
  return html`<details class="folded">
    <summary><${Icon} name="right" size=${14} extra="turn" />${t("recent.table")}</summary>
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t("recent.table")}><table class="numbers">
      <thead><tr><th scope="col">${t("recent.hour")}</th>${series.map(({ key }) => ["", "_refused", "_failed"].map((part) => html`<th scope="col" key=${key + part} class="num">${t(`recent.head_${key}${part}`)}</th>`))}</tr></thead>
      <tbody>${hours.reverse().map(({ at, all }) => html`<tr key=${at}><th scope="row">${formatTime(at, "hour")}</th>${all.map((bar, n) => [countOf(bar), bar.refused, bar.failed].map((count, part) => html`<td key=${`${n} ${part}`} class="num">${formatNumber(count)}</td>`))}</tr>`)}</tbody>
    </table></div>
  </details>`;
}
