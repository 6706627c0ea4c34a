// How an MCP server stands, in the words and shapes of every page that shows it.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

const BUSY_MS = 2000;
const CALM_MS = 30_000;
/** `time2` before `time10`. */
const ORDER = new Intl.Collator("en", { numeric: true });
/** @type {Record<string, "ok"|"busy"|"off"|"warn"|"bad"|"wait">} */
const SHAPES = {
  ready: "ok", starting: "busy", installing: "busy", checking: "busy", stopped: "off", failed: "bad",
  needs_attention: "bad", needs_login: "warn", disabled: "wait",
};

/** The servers of who is signed in, asked for again while one of them is about to change. */
export function useServers() {
  const load = useLoad(async (signal) => (await api.get("/api/v1/gateway", { signal })).data, []);
  /** @type {any[]} */
  const servers = useMemo(() => [...(load.data?.servers || [])].sort((one, other) => ORDER.compare(one.name, other.name)), [load.data]);
  const busy = servers.some((one) => SHAPES[one.state] === "busy");
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && load.look(), busy ? BUSY_MS : CALM_MS);
    return () => clearInterval(timer);
  }, [busy]);
  return { ...load, servers };
}

/**
 * The servers that are part of the program and of its plugins, shaped as all others: their id leads to the same routes.
 * @param {any} again asked for once more when this changes
 */
export function useOwnServers(again) {
  const load = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/gateway/own", { signal })).data), [again]);
  const servers = (load.data || []).map((one) => ({ ...one, id: `own/${one.name}`, own: one.kind, count: one.tools, tools: undefined, enabled: true, state: "ready" }));
  return { ...load, servers };
}

/** How many tools a server has for who is signed in. @param {any} server */
export function countOf(server) {
  return server.count ?? server.tools?.length ?? 0;
}

/** Where a server comes from, in a few words. @param {any} server */
export function originOf(server) {
  if (server.own) return server.own === "plugin" ? t("tools.of_plugin", { plugin: server.name }) : t(server.own === "records" ? "tools.own_records" : "tools.own_gateway");
  return server.plugin ? t("tools.of_plugin", { plugin: server.plugin }) : t(`tools.transport_${server.transport}`);
}

/** @param {{server: any}} props */
export function ServerState({ server }) {
  const paused = server.breaker && server.breaker !== "closed";
  return html`<${State} kind=${paused ? "warn" : SHAPES[server.state] || "off"}>
    ${paused ? t("servers.paused", { n: Math.ceil(server.retry_after || 0) }) : t(`servers.${server.state}`)}
  <//>`;
}

/**
 * One deed at a time for a server; what goes wrong is said in a toast.
 * @param {any} server @param {() => void} reload
 */
export function useServerDeeds(server, reload) {
  const [busy, setBusy] = useState(false);
  const [door, setDoor] = useState(/** @type {{address: string, host: string} | null} */ (null));
  const deed = async (/** @type {() => Promise<void>} */ act) => {
    setBusy(true);
    try {
      await act();
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
  };
  return {
    busy,
    door,
    restart: () => deed(async () => {
      await api.post(`/api/v1/gateway/${server.id}/restart`);
    }).then(reload),
    signIn: () => deed(async () => setDoor((await api.post(`/api/v1/gateway/${server.id}/sign-in`)).data)),
  };
}

/** The way to the sign-in of a remote server: first the question for its address, then the link. @param {{deeds: ReturnType<typeof useServerDeeds>}} props */
export function SignInButton({ deeds }) {
  return deeds.door
    ? html`<a class="btn primary dense" href=${deeds.door.address} target="_blank" rel="noopener noreferrer">${t("servers.sign_in_open", { host: deeds.door.host })}</a>`
    : html`<button class="btn primary dense" type="button" disabled=${deeds.busy} onClick=${deeds.signIn}>${t("servers.sign_in")}</button>`;
}
