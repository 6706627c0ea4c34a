// MCP servers: state, tools, and for admins what a failed one wrote before it died.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, may, modelNamed } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble, sentence } from "../widgets/trouble.js";

const BUSY_MS = 2000;
const CALM_MS = 30_000;
/** @type {Record<string, string>} */
const SHAPES = {
  ready: "ok", starting: "busy", installing: "busy", checking: "busy", stopped: "off", failed: "bad",
  needs_attention: "bad", needs_login: "warn", disabled: "wait",
};

export function Servers() {
  const { data, error, slow, reload } = useLoad(async (signal) => (await api.get("/api/v1/gateway", { signal })).data, []);
  const servers = data?.servers || [];
  const busy = servers.some((/** @type {any} */ one) => SHAPES[one.state] === "busy");
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), busy ? BUSY_MS : CALM_MS);
    return () => clearInterval(timer);
  }, [busy]);
  const model = modelNamed("mcp_servers");
  const add = may(model, "create") && href("/data/mcp_servers", { record: "new" });
  const tools = servers.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + (one.tools?.length || 0), 0);
  return html`<section class="card" aria-labelledby="servers-title">
    <header>
      <h2 id="servers-title">${t("servers.title")}</h2>
      <span class="grow">${servers.length > 0 && t("servers.tools", { n: tools })}</span>
      ${add && servers.length > 0 && html`<a class="btn quiet dense" href=${add}><${Icon} name="plus" />${t("servers.add")}</a>`}
    </header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("servers.error")} retry=${reload} /></div>`}
    ${slow && !data && html`<${Skeleton} rows=${3} />`}
    ${data && !servers.length && html`<div class="body stack wide">
      <p class="small soft">${t(add ? "servers.none_admin" : "servers.none")}</p>
      ${add && html`<div><a class="btn primary" href=${add}><${Icon} name="plus" />${t("servers.add")}</a></div>`}
    </div>`}
    <ul>${servers.map((/** @type {any} */ one) => html`<${Server} key=${one.id} server=${one} reload=${reload} />`)}</ul>
  </section>`;
}

/** @param {{server: any, reload: () => void}} props */
function Server({ server, reload }) {
  const [busy, setBusy] = useState(false);
  const [door, setDoor] = useState(/** @type {{address: string, host: string} | null} */ (null));
  const restart = async () => {
    setBusy(true);
    try {
      await api.post(`/api/v1/gateway/${server.id}/restart`);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
    reload();
  };
  const signIn = async () => {
    setBusy(true);
    try {
      setDoor((await api.post(`/api/v1/gateway/${server.id}/sign-in`)).data);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
  };
  const paused = server.breaker && server.breaker !== "closed";
  const tools = server.tools || [];
  return html`<li class="server">
    <details>
      <summary>
        <${Icon} name="right" size=${14} extra="turn" />
        <span class="mono clip grow">${server.name}</span>
        <${State} kind=${paused ? "warn" : SHAPES[server.state] || "off"}>
          ${paused ? t("servers.paused", { n: Math.ceil(server.retry_after || 0) }) : t(`servers.${server.state}`)}
        <//>
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
          ${isAdmin() && server.enabled !== false && html`<button class="btn dense" type="button" disabled=${busy} onClick=${restart}>
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
      ${server.may_sign_in && html`<div class="row wrap">${
        door
          ? html`<a class="btn primary dense" href=${door.address} target="_blank" rel="noopener noreferrer">
              ${t("servers.sign_in_open", { host: door.host })}
            </a>`
          : html`<button class="btn primary dense" type="button" disabled=${busy} onClick=${signIn}>${t("servers.sign_in")}</button>`
      }</div>`}
      ${server.stderr?.length > 0 && html`<details class="folded">
        <summary><${Icon} name="right" size=${14} extra="turn" />${t("servers.stderr", { n: server.stderr.length })}</summary>
        <pre class="code flush wrap" tabindex="0" aria-label=${t("servers.stderr_of", { name: server.name })}>${server.stderr.join("\n")}</pre>
      </details>`}
    </div>`}
  </li>`;
}
