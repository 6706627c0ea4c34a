// AI clients of this computer that have lost our entry: connected again with one click. Nothing is shown while all is well.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

export function LostClients() {
  // From elsewhere the server says that this is done on its own computer; then there is nothing to show here.
  const { data, reload } = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/gateway/clients", { signal })).data), []);
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
  return (data || []).filter((one) => one.lost).map((one) => html`<div class="note warn lost-client" key=${one.client} role="status">
    <${Icon} name="alert" /><span class="grow">${t("home.lost_client", { name: one.label })}</span>
    <button class="btn dense" type="button" disabled=${busy === one.client} onClick=${() => repair(one)}>${t("clients.reconnect")}</button>
  </div>`);
}
