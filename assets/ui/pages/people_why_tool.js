// Why somebody may call a tool, or may not: for themselves, for a program of theirs, or with one of their tokens.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { html } from "../vendor/preact.js";
import { Choice } from "../widgets/choice.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Trouble } from "../widgets/trouble.js";
import { useOwnServers } from "./tools_states.js";

/** @type {Record<string, string>} */
const ICONS = { allow: "check", ask: "bell", deny: "lock" };

/** @param {{user: number, query: URLSearchParams, move: (changes: Record<string, string>) => void}} props */
export function WhyTool({ user, query, move }) {
  const listed = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/gateway", { signal })).data.servers.filter((/** @type {any} */ one) => one.tools?.length)), []).data;
  const own = useOwnServers(0).servers;
  const servers = listed && [...listed, ...own];
  const server = servers?.find((one) => String(one.id) === query.get("server")) || servers?.[0];
  const ofProgram = useLoad(async (signal) => (server?.own ? /** @type {any[]} */ ((await api.get(`/api/v1/gateway/${server.id}/tools`, { signal })).data) : []), [server?.id]).data || [];
  const tools = /** @type {string[]} */ ((server?.own ? ofProgram : server?.tools || []).map((/** @type {any} */ one) => (typeof one === "string" ? one : one.own_name || one.name)));
  const tool = tools.includes(query.get("tool") || "") ? /** @type {string} */ (query.get("tool")) : tools[0];
  const tokens = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/api_tokens", { signal, query: `owner_id=${user}&limit=100&total=false` })).data), [user]).data || [];
  const token = tokens.find((one) => String(one.id) === query.get("token"));
  const asked = server && tool ? new URLSearchParams({ user: String(user), tool, ...(token && { token: String(token.id) }) }).toString() : "";
  const { data, error, reload } = useLoad(async (signal) => (asked ? (await api.get(`/api/v1/gateway/${server.id}/explain`, { signal, query: asked })).data : null), [server?.id, asked]);
  if (!servers) return null;
  const set = (/** @type {string} */ name) => (/** @type {any} */ event) => move({ [name]: event.target.value });
  return html`<section class="card" aria-labelledby="why-tools"><header><h2 id="why-tools">${t("why.tools")}</h2></header>
    <div class="body stack wide">
      ${!server && html`<p class="small soft">${t("why.no_tools")} <a href=${href("/tools")}>${t("page.tools")}</a></p>`}
      ${server && html`<div class="ask-row">
        <${Choice} id="why-server" label=${t("why.server")} value=${String(server.id)} choose=${set("server")} options=${servers.map((one) => [String(one.id), one.name])} />
        <${Choice} id="why-tool" label=${t("why.tool")} value=${tool} choose=${set("tool")} options=${tools.map((one) => [one, one])} />
        <${Choice} id="why-token" label=${t("why.token")} value=${token ? String(token.id) : ""} choose=${set("token")} options=${[["", t("why.no_token")], ...tokens.map((one) => [String(one.id), one.name])]} />
      </div>`}
      ${error && html`<${Trouble} error=${error} what=${t("access.error")} retry=${reload} />`}
      ${data && !error && html`<div class="why-answer stack wide" aria-live="polite">
        ${["person", "program", "token"].filter((name) => data[name]).map((name) => html`<${Verdict} key=${name} name=${name} told=${data[name]} who=${data.user.username} tool=${data.tool.name} />`)}
        ${data.obstacles.map((/** @type {any} */ one) => html`<p class="note warn" key=${one.code}><${Icon} name="alert" /><span>${one.message}</span></p>`)}
      </div>`}
    </div></section>`;
}

/** @param {{name: string, told: any, who: string, tool: string}} props */
function Verdict({ name, told, who, tool }) {
  return html`<div class="stack">
    <p class="verdict"><${Icon} name=${ICONS[told.effect] || "info"} /><b>${t(`why.tool_${name}`, { name: who, token: told.name || "" })}: ${t(`why.effect_${told.effect}`, { tool })}</b></p>
    <p class="small soft">${t("why.because", { why: told.because })}</p>
    ${told.rules.length > 0 && html`<div class="why bare"><ol>${told.rules.map((/** @type {any} */ rule) => html`<li key=${rule.id} class=${rule.id === told.rule_id ? "won" : undefined}>
      <b class="says">${t("why.reason", { source: rule.subject, extent: t(`why.rule_${rule.effect}`) })}</b><a href=${href("/data/mcp_rules", { record: rule.id })}>${t("why.tool_rule", { n: rule.id })}</a>${rule.id === told.rule_id && ` ${t("matrix.decides")}`}</li>`)}</ol></div>`}
  </div>`;
}
