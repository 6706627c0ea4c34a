// How an MCP server stands, in the words and shapes of every page that shows it.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

const BUSY_MS = 2000;
const CALM_MS = 30_000;
/** @type {Record<string, "ok"|"busy"|"off"|"warn"|"bad"|"wait">} */
const SHAPES = {
  ready: "ok", starting: "busy", installing: "busy", checking: "busy", stopped: "off", failed: "bad",
  needs_attention: "bad", needs_login: "warn", disabled: "wait",
};

/** The servers of who is signed in, asked for again while one of them is about to change. */
export function useServers() {
  const load = useLoad(async (signal) => (await api.get("/api/v1/gateway", { signal })).data, []);
  /** @type {any[]} */
  const servers = load.data?.servers || [];
  const busy = servers.some((one) => SHAPES[one.state] === "busy");
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && load.reload(), busy ? BUSY_MS : CALM_MS);
    return () => clearInterval(timer);
  }, [busy]);
  return { ...load, servers };
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
