// AI clients: those of this computer are connected by a button, every other one by the address.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { base, server } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Trouble, Waiting, sentence } from "../widgets/trouble.js";

export function Clients() {
  const page = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/gateway/clients", { signal })).data), []);
  const { data, error, reload } = page;
  const [asked, ask] = useState(/** @type {any} */ (null));
  const elsewhere = error?.code === "loopback_only";
  const preview = async (/** @type {any} */ client, /** @type {"connect"|"disconnect"} */ deed) => {
    try {
      const change = (await api.post(`/api/v1/gateway/clients/${client.client}/${deed}?dry_run=true`)).data;
      ask({ client, deed, change });
    } catch (problem) {
      say(sentence(problem), "bad");
    }
  };
  const address = `${server.value?.address || location.origin}${base}/mcp`;
  return html`<div class="scroll"><div class="column pad-top settles">
    <section class="card" aria-labelledby="clients-title">
      <header><h2 id="clients-title">${t("clients.here")}</h2></header>
      ${elsewhere && html`<p class="small soft body">${t("clients.elsewhere")}</p>`}
      ${error && !elsewhere && !data && html`<div class="body"><${Trouble} error=${error} what=${t("clients.error")} retry=${reload} /></div>`}
      <${Waiting} page=${page} rows=${10} />
      ${data && html`<ul class="plain-list">${data.map((client) => html`<li key=${client.client} class="client">
        <div class="grow min0 stack tight"><b>${client.label}</b><code class="small muted clip">${client.problem || client.path}</code></div>
        <${State} kind=${client.problem || client.lost ? "warn" : client.connected ? "ok" : "off"}>${t(client.problem ? "clients.unreadable" : client.connected ? "clients.connected" : client.lost ? "clients.lost" : client.exists ? "clients.not_connected" : "clients.not_found")}<//>
        ${!client.problem && html`<button class="btn dense" type="button" onClick=${() => preview(client, client.connected ? "disconnect" : "connect")}
          aria-label=${t(client.connected ? "clients.disconnect_of" : "clients.connect_of", { name: client.label })}>${t(client.connected ? "clients.disconnect" : client.lost ? "clients.reconnect" : "clients.connect")}</button>`}
      </li>`)}</ul>`}
    </section>
    <section class="card" aria-labelledby="others-title">
      <header><h2 id="others-title">${t("clients.others")}</h2></header>
      <div class="body stack">
        <p class="small soft">${t("clients.others_words")}</p>
        <${Copyable} text=${address} label=${t("sharing.copy")} />
        <p class="small soft">${t("clients.stdio_words")}</p>
        <${Copyable} text="gridbear mcp" />
      </div>
    </section>
    ${asked && html`<${Preview} ...${asked} close=${() => ask(null)} done=${() => { ask(null); reload(); }} />`}
  </div></div>`;
}

/** @param {{client: any, deed: "connect"|"disconnect", change: any, close: () => void, done: () => void}} props */
function Preview({ client, deed, change, close, done }) {
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      const { data } = await api.post(`/api/v1/gateway/clients/${client.client}/${deed}`);
      say(t(deed === "connect" ? "clients.did_connect" : "clients.did_disconnect", { name: client.label }) + (data.running ? ` ${t("clients.restart_it", { name: client.label })}` : ""));
      done();
    } catch (problem) {
      setBusy(false);
      say(sentence(problem), "bad");
    }
  };
  return html`<${Dialog} label="client-title" onClose=${close}>
    <h2 id="client-title">${t(deed === "connect" ? "clients.connect_of" : "clients.disconnect_of", { name: client.label })}</h2>
    <p class="small soft">${t("clients.preview")} <code>${change.path}</code></p>
    ${change.diff ? html`<pre class="code client-diff" tabindex="0" role="region" aria-label=${t("clients.change")}>${change.diff}</pre>` : html`<p class="note"><span>${t("clients.nothing")}</span></p>`}
    ${change.running && html`<p class="note warn"><${Icon} name="alert" /><span>${t("clients.runs", { name: client.label })}</span></p>`}
    <footer>
      <${Cancel} />
      <button class="btn primary" type="button" disabled=${busy || !change.diff} onClick=${act}>${t(deed === "connect" ? "clients.connect" : "clients.disconnect")}</button>
    </footer>
  <//>`;
}
