// Tools: the MCP servers at the left, one of them as a workbench; the log of calls; the clients that use them.
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { base, isAdmin, may, modelNamed } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Tabs } from "../widgets/tabs.js";
import { useTrail } from "../widgets/trail.js";
import { Empty, Skeleton, Trouble } from "../widgets/trouble.js";
import { AddServer } from "./tools_add.js";
import { Approvals, useApprovals } from "./tools_approvals.js";
import { Calls } from "./tools_calls.js";
import { Clients } from "./tools_clients.js";
import { Bench } from "./tools_bench.js";
import { ServerState, SignInButton, countOf, originOf, useOwnServers, useServerDeeds, useServers } from "./tools_states.js";

const FIRST = '{"name": "time", "transport": "stdio", "command": "uvx", "args": ["mcp-server-time"]}';

const PANEL = "tools-panel";
/** With more servers than these they can be searched. */
const MANY = 12;
const PARTS = ["approvals", "calls", "clients"];

/** @param {{rest: string[], query: URLSearchParams}} props */
export function Tools({ rest, query }) {
  const page = useServers();
  const own = useOwnServers(page.servers.length);
  const approvals = useApprovals();
  const part = PARTS.includes(rest[0]) ? rest[0] : "servers";
  const adding = rest[0] === "add" && isAdmin();
  const ready = [...page.servers, ...own.servers].filter((one) => one.enabled).reduce((sum, one) => sum + countOf(one), 0);
  const add = may(modelNamed("mcp_servers"), "create") && (isAdmin() ? href("/tools/add") : href("/data/mcp_servers", { record: "new" }));
  const tabs = [
    { name: "servers", label: t("tools.servers"), count: page.data ? page.servers.length : null },
    { name: "approvals", label: t("tools.approvals"), count: approvals.pending.length || null },
    ...(modelNamed("tool_calls") ? [{ name: "calls", label: t("tools.calls") }] : []),
    ...(isAdmin() ? [{ name: "clients", label: t("tools.clients") }] : []),
  ];
  const server = [...page.servers, ...own.servers].find((one) => String(one.id) === rest.slice(0, rest[0] === "own" ? 2 : 1).join("/"));
  useTrail(adding ? t("servers.add") : server?.name || tabs.find((one) => one.name === part)?.label || "", true);
  const choose = (/** @type {string} */ name) => go(href(name === "servers" ? "/tools" : `/tools/${name}`));
  return html`<div class="tools" data-open=${part === "servers" && rest[0] && !adding ? "area" : "list"}>
    <header class="page-head">
      <div class="say"><h1>${t("page.tools")}</h1><p>${t("tools.words", { n: ready })} <code>${base}/mcp</code></p></div>
      <div class="do">${add && !adding && page.servers.length > 0 && html`<a class="btn primary" href=${add}><${Icon} name="plus" />${t("servers.add")}</a>`}</div>
    </header>
    <${Tabs} label=${t("page.tools")} tabs=${tabs} current=${part} choose=${choose} panel=${PANEL} />
    <div class="tools-panel" id=${PANEL} role="tabpanel" aria-label=${tabs.find((one) => one.name === part)?.label}>
      ${part === "calls" ? html`<${Calls} query=${query} servers=${[...page.servers, ...own.servers]} />`
        : adding ? html`<${AddServer} way=${rest[1]} added=${page.reload} />`
        : part === "approvals" ? html`<${Approvals} approvals=${approvals} />`
        : part === "clients" ? html`<${Clients} />`
        : html`<${Servers} page=${page} own=${own.servers} current=${rest[0] === "own" ? `own/${rest[1]}` : rest[0]} query=${query} add=${add} />`}
    </div>
  </div>`;
}

/** @param {{page: ReturnType<typeof useServers>, own: any[], current: string|undefined, query: URLSearchParams, add: string|false}} props */
function Servers({ page, own, current, query, add }) {
  const { data, error, slow, servers, reload } = page;
  const [words, setWords] = useState("");
  useEffect(() => {
    const wide = matchMedia("(min-width: 720px)").matches;
    if (!current && wide && servers.length) go(href(`/tools/${servers[0].id}`), { replace: true });
  }, [current, servers.length]);
  if (error && !data) return html`<div class="column pad-top"><${Trouble} error=${error} what=${t("servers.error")} retry=${reload} /></div>`;
  if (!data) return slow ? html`<${Skeleton} rows=${6} />` : null;
  const ofProgram = own.length > 0 && html`<h2 class="servers-heading">${t("tools.of_program")}</h2>
    <ul class="servers">${own.map((one) => html`<${Listed} key=${one.id} server=${one} current=${current === one.id} reload=${reload} />`)}</ul>`;
  if (!servers.length && !current) {
    return html`<${Empty} heading=${t("tools.none")} words=${t(add ? "servers.none_admin" : "servers.none")} curl=${add ? curl("/api/v1/mcp_servers", { json: FIRST }) : undefined}>
      ${add && html`<a class="btn primary" href=${add}><${Icon} name="plus" />${t("servers.add")}</a>`}
    <//>${ofProgram && html`<div class="own-servers">${ofProgram}</div>`}`;
  }
  const shown = servers.length > MANY && words.trim() ? servers.filter((one) => fits(one, words)) : servers;
  const chosen = [...servers, ...own].find((one) => String(one.id) === current);
  return html`<div class="split wide" data-open=${current ? "area" : "list"}>
    <nav class="side scroll" aria-label=${t("servers.title")} tabindex="0">
      ${servers.length > MANY && html`<div class="servers-search"><input class="input dense" type="search" aria-label=${t("tools.find")} placeholder=${t("tools.find")} value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
        ${!shown.length && html`<p class="small soft" role="status">${t("tools.none_fits")}</p>`}</div>`}
      <ul class="servers">${shown.map((one) => html`<${Listed} key=${one.id} server=${one} current=${chosen === one} reload=${reload} />`)}</ul>
      ${ofProgram}
    </nav>
    ${chosen ? html`<${Bench} key=${chosen.id} server=${chosen} query=${query} reload=${reload} />`
      : current && html`<div class="area"><div class="column pad-top"><p class="note"><span>${t("tools.no_server")}</span></p></div></div>`}
  </div>`;
}

/** Whether each word is in the name of the server or of one of its tools. @param {any} server @param {string} words */
function fits(server, words) {
  const text = [server.name, ...(server.tools || []).map((/** @type {any} */ one) => one.name)].join("\n").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** @param {{server: any, current: boolean, reload: () => void}} props */
function Listed({ server, current, reload }) {
  const deeds = useServerDeeds(server, reload);
  return html`<li>
    <a class="row-link" href=${href(`/tools/${server.id}`)} aria-current=${current ? "true" : undefined}>
      <span class="name clip">${server.name}</span>
      <${ServerState} server=${server} />
      <span class="about">${server.watched && html`<${Icon} name="eye" size=${14} label=${t("messages.watched")} />`}<span>${originOf(server)}</span>${countOf(server) > 0 && html`<span>${t("servers.tools", { n: countOf(server) })}</span>`}</span>
    </a>
    ${server.error && html`<div class="fixrow row wrap">
      <p class="small soft grow lines" title=${server.error}>${server.error}</p>
      ${server.may_sign_in ? html`<${SignInButton} deeds=${deeds} />` : isAdmin() && server.enabled && html`<button class="btn dense" type="button" disabled=${deeds.busy} onClick=${deeds.restart}>
        <${Icon} name="refresh" />${t("tools.try_now")}</button>`}
    </div>`}
  </li>`;
}
