// What waits for somebody: servers and plugins that do not run, tools and calls to decide about. Nothing is shown while all is well.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, modelNamed, person } from "../store.js";
import { html } from "../vendor/preact.js";
import { State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Waiting } from "../widgets/trouble.js";

/** @typedef {{key: string, shape: "bad"|"warn", name: string, reason: string, to: string, verb: string}} Need */

const BROKEN_SERVERS = ["failed", "needs_attention"];

/** @param {any} server @returns {Need[]} */
function ofServer(server) {
  const about = { name: server.name, to: href(`/tools/${server.id}`) };
  const paused = server.breaker && server.breaker !== "closed";
  if (server.state === "needs_login") return [{ ...about, key: `login ${server.id}`, shape: "warn", reason: t("attention.login"), verb: t("servers.sign_in") }];
  if (BROKEN_SERVERS.includes(server.state)) return [{ ...about, key: `server ${server.id}`, shape: "bad", reason: server.error || t(`servers.${server.state}`), verb: t("attention.look") }];
  if (paused) return [{ ...about, key: `paused ${server.id}`, shape: "warn", reason: t("attention.paused"), verb: t("attention.look") }];
  if (server.tools_waiting) {
    return [{ ...about, key: `tools ${server.id}`, shape: "warn", reason: t("attention.tools", { n: server.tools_waiting }), to: href(`/tools/${server.id}`, { view: "manage" }), verb: t("attention.decide") }];
  }
  return [];
}

/** @param {AbortSignal} signal @returns {Promise<Need[]>} */
async function load(signal) {
  const [plugins, calls] = await Promise.all([
    isAdmin() ? api.get("/api/v1/plugins", { signal, query: "limit=200&sort=name" }) : null,
    modelNamed("mcp_approvals") ? api.get("/api/v1/mcp_approvals", { signal, query: `owner_id=${person.value?.id}&status=pending&limit=1` }) : null,
  ]);
  /** @type {Need[]} */
  const needs = (plugins?.data || []).filter((/** @type {any} */ one) => one.state === "failed" || (one.enabled && one.state === "missing")).map((/** @type {any} */ one) => ({
    key: `plugin ${one.name}`, shape: "bad", name: one.title || one.name, reason: one.error || t(`plugins.state_${one.state}`), to: href("/plugins/broken"), verb: t("attention.look"),
  }));
  if (calls?.count) needs.unshift({ key: "calls", shape: "warn", name: t("tools.approvals"), reason: t("attention.calls", { n: calls.count }), to: href("/tools/approvals"), verb: t("attention.decide") });
  return needs;
}

/** @param {{servers: any[]}} props */
export function Attention({ servers }) {
  const page = useLoad(load, []);
  const needs = [...servers.flatMap(ofServer), ...(page.data || [])];
  if (!needs.length) return html`<${Waiting} page=${page} />`;
  return html`<section class="card attention" aria-labelledby="attention-title">
    <header><h2 id="attention-title">${t("attention.title")}</h2><span class="grow">${t("attention.count", { n: needs.length })}</span></header>
    <ul class="plain-list">${needs.map((one) => html`<li key=${one.key}>
      <${State} kind=${one.shape}><span class="vh">${t(`attention.${one.shape}`)}</span><//>
      <div class="grow min0"><p class="strong clip">${one.name}</p><p class="small soft lines" title=${one.reason}>${one.reason}</p></div>
      <a class="btn dense" href=${one.to} aria-label=${t("attention.go", { verb: one.verb, name: one.name })}>${one.verb}</a>
    </li>`)}</ul>
  </section>`;
}
