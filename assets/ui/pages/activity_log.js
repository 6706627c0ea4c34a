// The server's log: a histogram to zoom into, filters in the address, lines as they come, and one of them in a drawer.
import { api } from "../api.js";
import { formatExact, formatTime, t } from "../i18n.js";
import { go, href } from "../router.js";
import { html } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Empty, Skeleton, Trouble } from "../widgets/trouble.js";
import { Histogram } from "./activity_chart.js";
import { LINE_SHAPES } from "./activity_level.js";
import { LineDrawer } from "./activity_log_drawer.js";
import { Chip, Levels, LiveSwitch, Presets, useStretch } from "./activity_stretch.js";

const PLACE = "/activity/log";
const PAGE = 100;
const MOST = 500;
const LEVELS = ["", "WARNING", "ERROR"];
const SETTING = "GRIDBEAR_LOG_FILE=server.log";

/** @param {{query: URLSearchParams}} props */
export function ServerLog({ query }) {
  const stretch = useStretch(query, PLACE, "line");
  const { now, range, move, zoom, close, waited } = stretch;
  const shown = Math.min(Number(query.get("shown")) || PAGE, MOST);
  const search = new URLSearchParams({ since: new Date(range.from).toISOString() });
  if (!range.preset) search.set("until", new Date(range.to).toISOString());
  for (const name of ["level", "q", "cursor"]) if (query.get(name)) search.set(name, String(query.get(name)));
  const page = useLoad(waited(async (signal) => (await api.get("/api/v1/server/log/lines", { signal, query: `${search}&limit=${shown}` })).data), [search.toString(), shown, now]);
  const chart = useLoad(waited(async (signal) => {
    const asked = new URLSearchParams({ since: new Date(range.from).toISOString(), until: new Date(range.to).toISOString(), step: String(range.step / 1000), q: query.get("q") || "" });
    return { range, ...(await api.get("/api/v1/server/log/histogram", { signal, query: asked })).data };
  }), [search.toString(), now]);
  const told = page.data;
  const rows = told?.lines || [];
  const filtered = ["level", "q", "cursor"].some((name) => query.get(name)) || !range.preset;
  // Further down in the same list while it is short, and from then on a page of its own.
  const longer = rows.length === shown && shown < MOST;
  return html`<div class="area activity-area">
    <div class="scroll"><div class="column pad-top requests">
      <${Bar} query=${query} stretch=${stretch} />
      ${chart.data && html`<${Histogram} label=${t("serverlog.chart")} told=${(/** @type {Record<string, number>} */ sums) => t("serverlog.bar", sums)} range=${chart.data.range} bars=${barsOf(chart.data.range, chart.data.bars)} zoom=${zoom} />`}
      ${chart.data?.counted_from && html`<p class="small muted">${t("serverlog.counted_from", { time: formatTime(Date.parse(chart.data.counted_from), "minute") })}</p>`}
      ${page.error && !told && html`<${Trouble} error=${page.error} what=${t("serverlog.error")} retry=${page.reload} />`}
      ${page.slow && !told && html`<section class="card"><${Skeleton} rows=${8} /></section>`}
      ${told && !told.kept && rows.length > 0 && html`<div class="note warn"><${Icon} name="alert" /><p>${t("serverlog.former")} ${t("serverlog.keep", { setting: SETTING })}</p></div>`}
      ${told && !rows.length && (told.kept || filtered
        ? html`<p class="row wrap"><span>${t(told.next ? "serverlog.none_so_far" : filtered ? "serverlog.no_match" : "serverlog.quiet")}</span>${filtered && html`<button class="btn dense" type="button" onClick=${() => go(href(PLACE))}>${t("filter.clear")}</button>`}</p>`
        : html`<${Empty} heading=${t("serverlog.stderr")} words=${t("serverlog.keep", { setting: SETTING })} />`)}
      ${rows.length > 0 && html`<ul class="card log-lines" aria-label=${t("activity.tab_log")}>${rows.map((/** @type {any} */ one) => html`<${Line} key=${one.id} row=${one} chosen=${query.get("line") === one.id} open=${() => move({ line: one.id })} />`)}</ul>`}
      ${told?.next && html`<div>${longer
        ? html`<button class="btn" type="button" onClick=${() => move({ shown: shown + 2 * PAGE }, true)}>${t("serverlog.more")}</button>`
        : html`<button class="btn" type="button" onClick=${() => move({ cursor: told.next, shown: null, live: null, line: null })}>${t("serverlog.older")}</button>`}</div>`}
    </div></div>
    ${query.get("line") && html`<${LineDrawer} key=${query.get("line")} id=${String(query.get("line"))} close=${close} find=${(/** @type {string} */ words) => move({ q: words, level: null, cursor: null, line: null })} />`}
  </div>`;
}

/** @param {{query: URLSearchParams, stretch: import("./activity_stretch.js").Stretch}} props */
function Bar({ query, stretch }) {
  const { range, move } = stretch;
  return html`<div class="row wrap calls-bar" role="search" aria-label=${t("activity.filter")}>
    <${Presets} stretch=${stretch} />
    ${query.get("cursor") && html`<${Chip} name=${t("serverlog.page")} value=${t("serverlog.page_older")} off=${t("serverlog.latest")} clear=${() => move({ cursor: null, line: null })} />`}
    <${Levels} label=${t("serverlog.level")} levels=${LEVELS} level=${query.get("level") || ""} words=${(/** @type {string} */ name) => t(`serverlog.level_${name.toLowerCase() || "all"}`)} choose=${(/** @type {string} */ name) => move({ level: name, cursor: null, line: null })} />
    <input class="input calls-search" type="search" maxlength="200" aria-label=${t("serverlog.search")} placeholder=${t("serverlog.search")} value=${query.get("q") || ""} onChange=${(/** @type {any} */ event) => move({ q: event.target.value.trim(), cursor: null, line: null })} />
    <span class="grow"></span>
    <${LiveSwitch} stretch=${stretch} possible=${Boolean(range.preset) && !query.get("cursor")} />
  </div>`;
}

/** @param {{row: any, chosen: boolean, open: () => void}} props */
function Line({ row, chosen, open }) {
  const level = t(`serverlog.is_${(row.level || "none").toLowerCase()}`);
  return html`<li><button type="button" class="row-link log-line written" data-line=${row.id} aria-current=${chosen ? "true" : undefined} onClick=${open}>
    <time class="mono" datetime=${row.time} title=${formatExact(row.time)}>${formatTime(Date.parse(row.time), "second")}</time>
    <${State} kind=${LINE_SHAPES[row.level] || "off"} title=${level}><span class="vh">${level}</span><//>
    <span class="what clip">${row.message}</span>
    <span class="num ms">${row.more_lines > 0 && t("serverlog.more_lines", { n: row.more_lines })}</span>
    <span class="who clip">${row.logger}</span>
  </button></li>`;
}

/** @param {import("./activity_range.js").Range} range @param {any[]} found those with lines in them @returns {import("./activity_chart.js").Bar[]} */
function barsOf(range, found) {
  const bars = Array.from({ length: Math.round((range.to - range.from) / range.step) }, (_none, n) => ({ at: range.from + n * range.step, ok: 0, refused: 0, failed: 0 }));
  for (const { time, debug, info, warning, error } of found) {
    const bar = bars[Math.floor((Date.parse(time) - range.from) / range.step)];
    if (bar) Object.assign(bar, { ok: debug + info, refused: warning, failed: error });
  }
  return bars;
}
