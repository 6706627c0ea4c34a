// AI clients of this computer: which of them use the tools here. One that lost our entry is connected again by a click.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

/** None where there is nothing to ask: the server answers about its own computer's programs there alone. */
export function useClients() {
  const asks = isAdmin() && ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const { data, reload } = useLoad(async (signal) => (asks ? /** @type {any[]} */ ((await api.get("/api/v1/gateway/clients", { signal })).data) : null), []);
  return { clients: data, reload };
}

/** @param {{clients: any[]|null|undefined, reload: () => void}} props */
export function LostClients({ clients, reload }) {
  const [busy, setBusy] = useState("");
  const repair = async (/** @type {any} */ client) => {
    setBusy(client.client);
    try {
      const done = await api.post(`/api/v1/gateway/clients/${client.client}/connect`);
      say(t("clients.did_connect", { name: client.label }) + (done.data.running ? ` ${t("clients.restart_it", { name: client.label })}` : ""));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy("");
    reload();
  };
  return (clients || []).filter((one) => one.lost).map((one) => html`<div class="note warn lost-client" key=${one.client} role="status">
    <${Icon} name="alert" /><span class="grow">${t("home.lost_client", { name: one.label })}</span>
    <button class="btn dense" type="button" disabled=${busy === one.client} onClick=${() => repair(one)}>${t("clients.reconnect")}</button>
  </div>`);
}

/** Those that are installed here. @param {{clients: any[]|null|undefined}} props */
export function FoundClients({ clients }) {
  if (!clients) return null;
  const found = clients.filter((one) => one.exists || one.connected);
  const page = href("/tools/clients");
  return html`<section class="card found-clients" aria-labelledby="clients-title">
    <header><h2 id="clients-title" class="grow">${t("home.clients")}</h2><a class="btn quiet dense" href=${page}>${t("home.clients_all")}<${Icon} name="right" /></a></header>
    ${found.length === 0 && html`<p class="body small soft">${t("home.clients_none")}</p>`}
    ${found.length > 0 && html`<ul class="body steps">${found.map((one) => html`<li key=${one.client}>
      <span class="grow min0 clip">${one.label}</span>
      ${one.connected ? html`<${State} kind="ok">${t("clients.connected")}<//>` : html`<a class="small" href=${page} aria-label=${t("clients.connect_of", { name: one.label })}>${t("clients.connect")}</a>`}
    </li>`)}</ul>`}
  </section>`;
}
