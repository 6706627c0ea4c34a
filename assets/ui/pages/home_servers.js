// MCP servers: state, tools, and for admins what a failed one wrote before it died.
import { t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, may, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Trouble, Waiting } from "../widgets/trouble.js";
import { ServerState, SignInButton, useServerDeeds } from "./tools_states.js";

/** Home shows so many, those with a fault first; Tools has all. */
const MOST = 8;

/** @param {{page: ReturnType<typeof import("./tools_states.js").useServers>}} props */
export function Servers({ page }) {
  const { data, error, reload, servers } = page;
  const model = modelNamed("mcp_servers");
  const add = may(model, "create") && (isAdmin() ? href("/tools/add") : href("/data/mcp_servers", { record: "new" }));
  const tools = servers.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + (one.tools?.length || 0), 0);
  const shown = servers.length > MOST ? [...servers].sort((one, other) => Number(!!other.error) - Number(!!one.error)).slice(0, MOST) : servers;
  return html`<section class="card" aria-labelledby="servers-title">
    <header>
      <h2 id="servers-title">${t("servers.title")}</h2>
      <span class="grow">${servers.length > 0 && t("servers.tools", { n: tools })}</span>
      ${add && servers.length > 0 && html`<a class="btn quiet dense" href=${add}><${Icon} name="plus" />${t("servers.add")}</a>`}
    </header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("servers.error")} retry=${reload} /></div>`}
    <${Waiting} page=${page} rows=${3} />
    ${data && !servers.length && html`<div class="body stack wide">
      <p class="small soft">${t(add ? "servers.none_admin" : "servers.none")}</p>
      ${add && html`<div><a class="btn primary" href=${add}><${Icon} name="plus" />${t("servers.add")}</a></div>`}
    </div>`}
    <ul>${shown.map((/** @type {any} */ one) => html`<${Server} key=${one.id} server=${one} reload=${reload} />`)}</ul>
    ${shown.length < servers.length && html`<div class="body"><a class="btn quiet dense" href=${href("/tools")}>${t("servers.all", { n: servers.length })}<${Icon} name="right" size=${14} /></a></div>`}
  </section>`;
}

/** @param {{server: any, reload: () => void}} props */
function Server({ server, reload }) {
  const deeds = useServerDeeds(server, reload);
  const tools = server.tools || [];
  return html`<li class="server">
    <details>
      <summary>
        <${Icon} name="right" size=${14} extra="turn" />
        <span class="mono clip grow">${server.name}</span>
        <${ServerState} server=${server} />
        <span class="muted num tools-count">${t("servers.tools", { n: tools.length })}</span>
      </summary>
      <div class="server-body stack wide">
        <ul class="tool-list">
          ${tools.map((/** @type {any} */ tool) => html`<li key=${tool.name}>
            <code>${tool.name}</code><span class="small soft">${tool.description || tool.title || ""}</span>
          </li>`)}
        </ul>
        ${server.found_at && html`<p class="small soft">${t("servers.found_at")} <code>${server.found_at}</code></p>`}
        ${!tools.length && !server.error && html`<p class="small muted">${t("servers.no_tools")}</p>`}
        <div class="row wrap">
          <a class="btn dense" href=${href(`/tools/${server.id}`)}><${Icon} name="play" />${t("servers.try_tools")}</a>
          ${isAdmin() && server.enabled !== false && html`<button class="btn dense" type="button" disabled=${deeds.busy} onClick=${deeds.restart}>
            <${Icon} name="refresh" />${t("servers.restart")}
          </button>`}
          ${may(modelNamed("mcp_servers"), "read") && html`<a class="btn quiet dense" href=${href("/data/mcp_servers", { record: server.id })}>
            <${Icon} name="edit" />${t("servers.edit")}
          </a>`}
        </div>
      </div>
    </details>
    ${server.error && html`<div class="server-error stack">
      <p class="note bad"><${Icon} name="alert" /><span>${server.error}</span></p>
      ${server.may_sign_in && html`<div class="row wrap"><${SignInButton} deeds=${deeds} /></div>`}
      ${server.stderr?.length > 0 && html`<details class="folded">
        <summary><${Icon} name="right" size=${14} extra="turn" />${t("servers.stderr", { n: server.stderr.length })}</summary>
        <pre class="code flush wrap" tabindex="0" aria-label=${t("servers.stderr_of", { name: server.name })}>${server.stderr.join("\n")}</pre>
      </details>`}
    </div>`}
  </li>`;
}
