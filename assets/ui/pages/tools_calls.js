// The log of tool calls: how fast each server answers, and every call with what was asked and what came back.
import { api } from "../api.js";
import { formatExact, formatNumber, t } from "../i18n.js";
import { go, href } from "../router.js";
import { html, useEffect } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon, State } from "../widgets/icon.js";
import { JsonCode } from "../widgets/json_code.js";
import { useLoad } from "../widgets/load.js";
import { SearchField } from "../widgets/search_field.js";
import { Select } from "../widgets/select.js";
import { Ago } from "../widgets/time.js";
import { Empty, Skeleton, Trouble } from "../widgets/trouble.js";

const STEP = 50;
const MOST = 500;
const LOOK_MS = 10_000;
const OUTCOMES = ["ok", "tool_error", "refused", "failed", "timeout", "cancelled"];
/** @type {Record<string, "ok"|"warn"|"bad"|"off">} */
const SHAPES = { ok: "ok", tool_error: "warn", refused: "warn", failed: "bad", timeout: "bad", cancelled: "off" };

/** @param {{query: URLSearchParams, servers: any[], place?: string}} props `place` is the address of the page they are shown on */
export function Calls({ query, servers, place = "/tools/calls" }) {
  const server = query.get("server") || "";
  const outcome = query.get("outcome") || "";
  const words = query.get("q") || "";
  const shown = Math.min(Number(query.get("shown")) || STEP, MOST);
  const search = new URLSearchParams({ sort: "-id", limit: String(shown) });
  if (server) search.set("server", server);
  if (outcome) search.set("outcome", outcome);
  if (words) search.set("q", words);
  const { data, error, slow, reload, look } = useLoad((signal) => api.get("/api/v1/tool_calls", { signal, query: search }), [search.toString()]);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && look(), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const narrow = (/** @type {Record<string, string|number>} */ next) => go(href(place, { server, outcome, q: words, ...next }), { replace: true });
  const count = data?.count ?? 0;
  const names = [...new Set([...servers.map((one) => one.name), ...(server ? [server] : [])])];
  return html`<div class="scroll"><div class="column pad-top">
    <${Speeds} round=${data} />
    <div class="row wrap calls-bar" role="search" aria-label=${t("calls.filter")}>
      <${Choice} label=${t("calls.server")} value=${server} all=${t("calls.all_servers")} choices=${names.map((name) => [name, name])} choose=${(/** @type {string} */ value) => narrow({ server: value })} />
      <${Choice} label=${t("calls.outcome")} value=${outcome} all=${t("calls.all_outcomes")} choices=${OUTCOMES.map((one) => [one, t(`calls.${one}`)])} choose=${(/** @type {string} */ value) => narrow({ outcome: value })} />
      <${SearchField} label=${t("calls.search")} value=${words} search=${(/** @type {string} */ q) => narrow({ q })} />
      <span class="grow"></span>
      <span class="small muted num" role="status">${data && t("calls.count", { n: count })}</span>
    </div>
    ${error && !data && html`<${Trouble} error=${error} what=${t("calls.error")} retry=${reload} />`}
    ${slow && !data && html`<section class="card"><${Skeleton} rows=${8} /></section>`}
    ${data && !data.data.length && (server || outcome || words
      ? html`<p class="row"><span>${t("calls.no_match")}</span><button class="btn dense" type="button" onClick=${() => go(href(place))}>${t("filter.clear")}</button></p>`
      : html`<${Empty} heading=${t("calls.none")} words=${t("calls.none_words")} />`)}
    ${data && data.data.length > 0 && html`<ul class="card calls">${data.data.map((/** @type {any} */ one) => html`<${Call} key=${one.id} call=${one} />`)}</ul>`}
    ${data && count > data.data.length && shown < MOST && html`<div><button class="btn" type="button" onClick=${() => narrow({ shown: shown + STEP * 3 })}>${t("history.more")}</button></div>`}
  </div></div>`;
}

/** @param {{label: string, value: string, all: string, choices: string[][], choose: (value: string) => void}} props */
function Choice({ label, value, all, choices, choose }) {
  return html`<${Select} aria-label=${label} value=${value} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
    <option value="">${all}</option>
    ${choices.map(([name, words]) => html`<option key=${name} value=${name}>${words}</option>`)}
  <//>`;
}

/** @param {{call: any}} props */
function Call({ call }) {
  const name = call.server ? `${call.server}__${call.tool}` : call.tool;
  return html`<li><details>
    <summary>
      <${State} kind=${SHAPES[call.outcome] || "off"} title=${t(`calls.${call.outcome}`)}><span class="vh">${t(`calls.${call.outcome}`)}</span><//>
      <span class="mono clip name">${name}</span>
      <span class="small soft clip who">${call.user_name}${call.client ? `, ${call.client}` : ""}</span>
      <span class="small muted num">${call.duration_ms === null ? "" : milliseconds(call.duration_ms)}</span>
      <span class="small muted when"><${Ago} iso=${call.created_at} /></span>
    </summary>
    <div class="stack wide call-body">
      ${call.error && html`<p class="note bad"><${Icon} name="alert" /><span>${call.error}</span></p>`}
      <dl class="facts">
        <dt>${t("calls.outcome")}</dt><dd>${t(`calls.${call.outcome}`)}</dd>
        <dt>${t("calls.when")}</dt><dd>${formatExact(call.created_at)}</dd>
        <dt>${t("calls.who")}</dt><dd>${call.user_name} (${call.through})</dd>
        ${call.client && html`<dt>${t("calls.client")}</dt><dd>${call.client}</dd>`}
        ${call.request_id && html`<dt>${t("calls.request")}</dt><dd class="row"><code>${call.request_id}</code><${CopyButton} text=${call.request_id} label=${t("copy.this")} /></dd>`}
      </dl>
      ${call.arguments && html`<div class="stack"><h3 class="small">${t("tools.arguments")}</h3><${JsonCode} value=${call.arguments} label=${t("tools.arguments")} /></div>`}
      ${call.result && html`<div class="stack"><h3 class="small">${t("tools.result")}</h3><${JsonCode} value=${call.result} label=${t("tools.result")} /></div>`}
    </div>
  </details></li>`;
}

/** Calls since the server's start, by MCP server. @param {{round: any}} props `round` changes when the log was read anew */
function Speeds({ round }) {
  const { data } = useLoad(async (signal) => (await api.get("/api/v1/gateway/metrics", { signal })).data, [round]);
  const rows = Object.entries(data?.servers || {}).filter(([name, one]) => name && /** @type {any} */ (one).calls > 0);
  if (!rows.length) return null;
  const slowest = Math.max(...rows.map(([, one]) => /** @type {any} */ (one).p95_ms || 0), 1);
  return html`<section class="card" aria-labelledby="speeds-title">
    <header><h2 id="speeds-title">${t("calls.speeds")}</h2><span class="grow">${t("calls.since_start")}</span></header>
    <div class="speeds" tabindex="0"><table>
      <thead><tr><th scope="col">${t("calls.server")}</th><th scope="col" class="num">${t("calls.calls")}</th><th scope="col" class="num">${t("calls.not_ok")}</th>
        <th scope="col" class="num">${t("calls.median")}</th><th scope="col" class="num">${t("calls.p95")}</th><th scope="col" class="chart"><span class="vh">${t("calls.chart")}</span></th></tr></thead>
      <tbody>${rows.map(([name, raw]) => {
        const one = /** @type {any} */ (raw);
        const bad = one.calls - one.outcomes.ok;
        return html`<tr key=${name}><th scope="row" class="mono">${name}</th><td class="num">${formatNumber(one.calls)}</td><td class="num">${bad ? formatNumber(bad) : "–"}</td>
          <td class="num">${one.p50_ms === null ? "–" : milliseconds(one.p50_ms)}</td><td class="num">${one.p95_ms === null ? "–" : milliseconds(one.p95_ms)}</td>
          <td class="chart" aria-hidden="true"><svg viewBox="0 0 100 8" preserveAspectRatio="none"><rect class="bed" width="100" height="8" /><rect class="far" width=${((one.p95_ms || 0) / slowest) * 100} height="8" /><rect class="mid" width=${((one.p50_ms || 0) / slowest) * 100} height="8" /></svg></td></tr>`;
      })}</tbody>
    </table></div>
  </section>`;
}

/** @param {number} n */
function milliseconds(n) {
  return t("tools.ms", { n: formatNumber(Number(n.toPrecision(3))) });
}
