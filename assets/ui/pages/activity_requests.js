// Requests: a histogram to zoom into, filters in the address, the list as it grows, and one of them in a drawer.
import { api } from "../api.js";
import { formatExact, formatTime, t } from "../i18n.js";
import { go, href } from "../router.js";
import { isAdmin } from "../store.js";
import { html } from "../vendor/preact.js";
import { State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { SearchField } from "../widgets/search_field.js";
import { Select } from "../widgets/select.js";
import { Empty, Trouble, Waiting } from "../widgets/trouble.js";
import { Histogram } from "./activity_chart.js";
import { RequestDrawer } from "./activity_drawer.js";
import { REQUEST_SHAPES, took } from "./activity_level.js";
import { barsOf } from "./activity_range.js";
import { Chip, Levels, LiveSwitch, Presets, useStretch } from "./activity_stretch.js";

const PAGE = 100;
const MOST = 500;
const LEVELS = ["", "refused", "failed"];
const SURFACES = ["rest", "mcp", "auth", "plugins", "other"];

/** @param {{query: URLSearchParams}} props */
export function Requests({ query }) {
  const stretch = useStretch(query, "/activity/requests", "request");
  const { now, range, move, zoom, close, waited } = stretch;
  const shown = Math.min(Number(query.get("shown")) || PAGE, MOST);
  const filters = new URLSearchParams();
  for (const name of ["level", "surface", "q", "user_name"]) if (query.get(name)) filters.set(name, String(query.get(name)));
  filters.set("created_at__gte", new Date(range.from).toISOString());
  if (!range.preset) filters.set("created_at__lt", new Date(range.to).toISOString());
  const search = filters.toString();
  const page = useLoad(waited((signal) => api.get("/api/v1/requests", { signal, query: `${search}&sort=-id&limit=${shown}` })), [search, shown, now]);
  const chart = useLoad(waited(async (signal) => {
    const all = new URLSearchParams(search);
    all.delete("level");
    return { range, groups: (await api.get("/api/v1/requests/aggregate", { signal, query: `${all}&group_by=created_at:${range.part},level` })).data };
  }), [search, now]);
  const rows = page.data?.data || [];
  const filtered = ["level", "surface", "q", "user_name"].some((name) => query.get(name)) || !range.preset;
  return html`<div class="area activity-area">
    <div class="scroll"><div class="column pad-top requests settles">
      <${Bar} query=${query} stretch=${stretch} />
      ${chart.data && html`<${Histogram} label=${t("activity.chart")} told=${(/** @type {Record<string, number>} */ sums) => t("activity.bar", sums)} range=${chart.data.range} bars=${barsOf(chart.data.range, chart.data.groups)} zoom=${zoom} />`}
      ${page.error && !page.data && html`<${Trouble} error=${page.error} what=${t("activity.error")} retry=${page.reload} />`}
      <${Waiting} page=${chart} />
      ${!page.data && !page.error && html`<section class="card"><${Waiting} page=${page} rows=${8} /></section>`}
      ${page.data && !rows.length && (filtered
        ? html`<p class="row"><span>${t("activity.no_match")}</span><button class="btn dense" type="button" onClick=${() => go(href("/activity"))}>${t("filter.clear")}</button></p>`
        : html`<${Empty} heading=${t("activity.none")} words=${t("activity.none_words")} />`)}
      ${rows.length > 0 && html`<p class=${query.get("level") ? "small muted num" : "vh"} role="status">${t("activity.count", { n: page.data?.count ?? rows.length })}</p>
        <ul class="card log-lines">${rows.map((/** @type {any} */ one) => html`<${Line} key=${one.id} row=${one} chosen=${query.get("request") === String(one.id)} open=${() => move({ request: one.id })} />`)}</ul>`}
      ${(page.data?.count ?? 0) > rows.length && shown < MOST && html`<div><button class="btn" type="button" onClick=${() => move({ shown: shown + 2 * PAGE }, true)}>${t("activity.more")}</button></div>`}
    </div></div>
    ${query.get("request") && html`<${RequestDrawer} key=${query.get("request")} id=${String(query.get("request"))} rows=${rows} close=${close} narrow=${(/** @type {Record<string, string|null>} */ next) => move(next)} />`}
  </div>`;
}

/** @param {{query: URLSearchParams, stretch: import("./activity_stretch.js").Stretch}} props */
function Bar({ query, stretch }) {
  const { range, move } = stretch;
  const person = query.get("user_name");
  return html`<div class="row wrap calls-bar" role="search" aria-label=${t("activity.filter")}>
    <${Presets} stretch=${stretch} />
    ${person && html`<${Chip} name=${t("activity.by")} value=${person} off=${t("activity.all_people")} clear=${() => move({ user_name: null })} />`}
    <${Levels} label=${t("activity.level")} levels=${LEVELS} level=${query.get("level") || ""} words=${(/** @type {string} */ name) => t(`activity.level_${name || "all"}`)} choose=${(/** @type {string} */ name) => move({ level: name, request: null })} />
    <${Select} aria-label=${t("activity.surface")} value=${query.get("surface") || ""} onChange=${(/** @type {any} */ event) => move({ surface: event.target.value, request: null })}>
      <option value="">${t("activity.surface_all")}</option>${SURFACES.map((name) => html`<option key=${name} value=${name} selected=${query.get("surface") === name}>${t(`activity.surface_${name}`)}</option>`)}<//>
    <${SearchField} label=${t("activity.search")} placeholder=${t(isAdmin() ? "activity.search" : "activity.search_own")} value=${query.get("q") || ""} search=${(/** @type {string} */ q) => move({ q, request: null })} />
    <span class="grow"></span>
    <${LiveSwitch} stretch=${stretch} possible=${Boolean(range.preset)} />
  </div>`;
}

/** @param {{row: any, chosen: boolean, open: () => void}} props */
function Line({ row, chosen, open }) {
  return html`<li><button type="button" class="row-link log-line" data-request=${row.id} aria-current=${chosen ? "true" : undefined} onClick=${open}>
    <time class="mono" datetime=${row.created_at} title=${formatExact(row.created_at)}>${formatTime(Date.parse(row.created_at), "second")}</time>
    <${State} kind=${REQUEST_SHAPES[row.level]} title=${t(`activity.level_${row.level}`)}><span class="vh">${t(`activity.level_${row.level}`)}</span><//>
    <span class="mono num">${row.status}</span>
    <span class="what clip"><b>${row.method}</b> ${row.path}</span>
    <span class="who clip">${row.user_name || t("activity.nobody")}</span>
    <span class="num ms">${took(row.duration_ms)}</span>
  </button></li>`;
}
