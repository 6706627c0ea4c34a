// One MCP server: its tools to try, what it wrote, and the deeds for it.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { isAdmin, may, modelNamed } from "../store.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { later } from "../widgets/later.js";
import { ManageTools, waits } from "./tools_manage.js";
import { ServerOffers } from "./tools_offers.js";
import { ToolRun } from "./tools_run.js";
import { ServerState, SignInButton, countOf, originOf, useServerDeeds } from "./tools_states.js";

const Messages = later(() => import("./tools_messages.js").then((found) => found.Messages));

/** @typedef {{method: string, params: any, at: number}} Again a request to make once more, as it went to the server */

/** @param {{server: any, query: URLSearchParams, reload: () => void}} props */
export function Bench({ server, query, reload }) {
  const deeds = useServerDeeds(server, reload);
  // People decide about the tools of servers that are their own.
  const decides = server.own ? isAdmin() && server.own !== "gateway" : isAdmin() || server.owned;
  const views = ["tools", ...(server.own ? [] : ["offers"]), ...(decides ? ["manage"] : []), ...(isAdmin() && !server.own ? ["log"] : []), ...(isAdmin() && server.own !== "gateway" ? ["messages"] : [])];
  const view = views.includes(query.get("view") || "") ? query.get("view") : "tools";
  const show = (/** @type {Record<string, string|null>} */ next) => go(href(`/tools/${server.id}`, next));
  const count = countOf(server);
  const [again, setAgain] = useState(/** @type {Again|null} */ (null));
  const runAgain = (/** @type {string} */ method, /** @type {any} */ params) => {
    setAgain({ method, params, at: Date.now() });
    show(method === "tools/call" ? {} : { view: "offers" });
  };
  // On a phone there is not room for all of them: the chosen one is brought into sight.
  const chooser = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => chooser.current?.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" }), [view]);
  return html`<section class="area bench-side" aria-labelledby="bench-name">
    <header class="bench-head">
      <a class="btn only quiet phone-only" href=${href("/tools")} aria-label=${t("tools.back")}><${Icon} name="left" /></a>
      <div class="grow min0"><h2 class="bench-name clip" id="bench-name">${server.name}</h2>
        <p class="tiny muted row"><${ServerState} server=${server} />${(server.plugin || server.own) && html`<span class="clip">${originOf(server)}</span>`}${server.found_at && html`<span class="clip">${t("servers.found_at")} <code>${server.found_at}</code></span>`}</p></div>
      ${views.length > 1 && html`<div class="segmented dense" role="group" aria-label=${t("tools.view")} ref=${chooser}>
        ${views.map((one) => html`<button key=${one} type="button" aria-pressed=${view === one ? "true" : "false"} onClick=${() => show(one === "tools" ? {} : { view: one })}>${t(`tools.view_${one}`, { n: one === "tools" ? count : server.stderr?.length || 0 })}</button>`)}
      </div>`}
      ${isAdmin() && server.enabled && !server.own && html`<button class="btn only" type="button" disabled=${deeds.busy} onClick=${deeds.restart} aria-label=${t("servers.restart")} title=${t("servers.restart")}><${Icon} name="refresh" /></button>`}
      ${!server.own && may(modelNamed("mcp_servers"), "read") && html`<a class="btn only" href=${href("/data/mcp_servers", { record: server.id })} aria-label=${t("servers.edit")} title=${t("servers.edit")}><${Icon} name="edit" /></a>`}
    </header>
    ${server.error && html`<div class="bench-note row wrap"><p class="note bad grow"><${Icon} name="alert" /><span>${server.error}</span></p>${server.may_sign_in ? html`<${SignInButton} deeds=${deeds} />` : isAdmin() && server.enabled && !server.own && html`<a class="btn" href=${href("/data/mcp_servers", { record: server.id })}><${Icon} name="edit" />${t("servers.mend")}</a><button class="btn" type="button" disabled=${deeds.busy} onClick=${deeds.restart}><${Icon} name="refresh" />${t("tools.try_now")}</button>`}</div>`}
    ${view === "messages" ? html`<${Messages} server=${server} query=${query} restart=${deeds.restart} again=${runAgain} tools=${() => show({})} changed=${reload} />`
      : view === "log" ? html`<${Log} server=${server} />` : view === "offers" ? html`<${ServerOffers} key=${again?.at} server=${server} changed=${reload} again=${again?.method === "tools/call" ? null : again} />` : html`<${ServerTools} server=${server} query=${query} show=${show} changed=${reload} manage=${view === "manage"} again=${again?.method === "tools/call" ? again : null} taken=${() => setAgain(null)} />`}
  </section>`;
}

/** @param {{server: any}} props */
function Log({ server }) {
  if (!server.stderr?.length) return html`<div class="bench-empty"><p class="small muted">${t("tools.no_log")}</p></div>`;
  return html`<pre class="code flush wrap bench-log" tabindex="0" role="region" aria-label=${t("servers.stderr_of", { name: server.name })}>${server.stderr.join("\n")}</pre>`;
}

/** @param {{server: any, query: URLSearchParams, show: (next: Record<string, string|null>) => void, changed: () => void, manage: boolean, again: Again|null, taken: () => void}} props */
function ServerTools({ server, query, show, changed, manage, again, taken }) {
  // Another number of tools than we know of: the server listed them anew.
  const round = countOf(server);
  const { data, error, slow, reload } = useLoad(async (signal) => /** @type {any[]} */ ((await api.get(`/api/v1/gateway/${server.id}/tools`, { signal })).data), [server.id, server.enabled, round]);
  // Asking starts a server that had not been asked before: how it stands now is news for the list.
  useEffect(() => {
    if (data || error) changed();
  }, [data, error]);
  if (error && !data) return html`<div class="bench-empty"><${Trouble} error=${error} what=${t("tools.error")} retry=${reload} /></div>`;
  if (!data) return slow ? html`<${Skeleton} rows=${6} />` : null;
  if (manage && data.length) return html`<${ManageTools} server=${server} tools=${data} reload=${reload} />`;
  if (!data.some((one) => one.kind !== "instructions")) return html`<div class="bench-empty"><p class="small muted">${t("servers.no_tools")}</p></div>`;
  const callable = data.filter((one) => one.enabled && one.state === "approved" && one.kind !== "instructions");
  const waiting = data.filter(waits).length;
  if (!callable.length) {
    return html`<div class="bench-empty stack"><p class="small muted">${t(waiting ? "manage.all_wait" : "manage.all_off")}</p>
      <div><button class="btn" type="button" onClick=${() => show({ view: "manage" })}>${t("manage.open")}</button></div></div>`;
  }
  const wanted = again && callable.find((one) => one.original_name === again.params.name);
  const tool = wanted || callable.find((one) => one.name === query.get("tool")) || callable[0];
  const choose = (/** @type {string} */ name) => {
    taken();
    show({ tool: name });
  };
  return html`${waiting > 0 && html`<div class="bench-note"><div class="note warn"><${Icon} name="alert" /><span class="grow">${t("manage.some_wait", { n: waiting })}</span><button class="btn dense" type="button" onClick=${() => show({ view: "manage" })}>${t("manage.open")}</button></div></div>`}
    ${again && !wanted && html`<div class="bench-note"><p class="note warn"><${Icon} name="alert" /><span>${t("messages.not_offered", { name: again.params.name })}</span></p></div>`}
    <${ToolRun} key=${wanted ? again?.at : ""} given=${wanted ? again?.params.arguments || {} : undefined} server=${server} tools=${callable} tool=${tool} choose=${choose} />`;
}
