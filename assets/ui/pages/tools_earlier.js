// The latest runs of one tool: choosing one takes its arguments back into the form.
import { api } from "../api.js";
import { formatExact, formatNumber, formatTime, t } from "../i18n.js";
import { formatJson } from "../json.js";
import { base, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { useLoad } from "../widgets/load.js";

const MOST = 8;

/** @typedef {{key: string, good: boolean, at: string, values: any, took: number|null}} Run */

/** @param {{server: string, tool: string, outcomes: import("./tools_run.js").Outcome[], take: (values: any) => void}} props `outcomes` are those of this page, which the log may not have yet */
export function EarlierRuns({ server, tool, outcomes, take }) {
  const query = new URLSearchParams({ server, tool, sort: "-id", limit: String(MOST), total: "false" });
  const { data } = useLoad(async (signal) => (modelNamed("tool_calls") ? /** @type {any[]} */ ((await api.get("/api/v1/tool_calls", { signal, query })).data) : []), [server, tool]);
  /** @type {Run[]} */
  const runs = [
    ...outcomes.map((one) => ({ key: `here-${one.at}`, good: !one.error && !one.result?.isError, at: new Date(one.at).toISOString(), values: one.values, took: one.took ?? null })),
    ...(data || []).map((one) => ({ key: one.id, good: one.outcome === "ok", at: one.created_at, values: one.arguments, took: one.duration_ms })),
  ].slice(0, MOST);
  if (!runs.length) return null;
  return html`<section class="earlier" aria-labelledby="earlier-title">
    <h2 class="section-title" id="earlier-title">${t("tools.earlier")}</h2>
    <ul class="past card">${runs.map((one) => html`<li key=${one.key}>
      <button type="button" onClick=${() => take(one.values || {})} title=${t("tools.take")}>
        <svg class=${one.good ? "ok" : "bad"} role="img" aria-label=${t(one.good ? "tools.done" : "tools.failed")}><use href=${`${base}/ui/icons.svg#${one.good ? "st-run" : "st-bad"}`} /></svg>
        <span title=${formatExact(one.at)}>${formatTime(Date.parse(one.at), "minute")}</span>
        <span class="mono clip">${one.values ? formatJson(one.values) : "–"}</span>
        <span>${one.took === null ? "" : t("tools.ms", { n: formatNumber(Number(one.took.toPrecision(3))) })}</span>
      </button>
    </li>`)}</ul>
  </section>`;
}
