// The certificate: what it is, whom it is for, and how another device comes to trust it.
import { api } from "../api.js";
import { formatExact, t } from "../i18n.js";
import { href } from "../router.js";
import { base, isAdmin } from "../store.js";
import { html } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";

const DEVICES = ["check", "computer", "firefox", "android", "iphone", "command"];

export function Certificate() {
  const { data, error, slow, reload } = useLoad(async (signal) => (await api.get("/api/v1/server/certificate", { signal })).data, []);
  return html`<div class="scroll"><div class="column settings-column">
    <header class="page-head"><div class="say"><h1>${t("settings.part_certificate")}</h1><p>${t("certificate.words")}</p></div>
      ${data?.fingerprint && html`<div class="do"><a class="btn primary" href=${`${base}/api/v1/server/certificate/content`} download><${Icon} name="download" />${t("certificate.download")}</a></div>`}</header>
    ${error && !data && html`<${Trouble} error=${error} what=${t("certificate.error")} retry=${reload} />`}
    ${!data && slow && html`<section class="card"><${Skeleton} rows=${4} /></section>`}
    ${data && !data.fingerprint && html`<section class="card"><div class="body pad stack">
      <p>${t("certificate.none")}</p><p class="small soft">${t("certificate.none_words")}</p>
      ${isAdmin() && html`<div><a class="btn primary" href=${href("/settings/sharing")}><${Icon} name="lock" />${t("certificate.make")}</a></div>`}
    </div></section>`}
    ${data?.fingerprint && html`<section class="card" aria-labelledby="certificate-title">
      <header><h2 id="certificate-title">${t(data.encryption === "files" ? "certificate.own" : "certificate.made_here")}</h2></header>
      <div class="body"><dl class="facts about-facts">
        <dt>${t("certificate.until")}</dt><dd>${formatExact(data.expires_at)}${data.encryption === "self-made" && html`<span class="muted"> ${t("certificate.renewed")}</span>`}</dd>
        <dt>${t("certificate.names")}</dt><dd class="row wrap tight">${data.names.map((/** @type {string} */ name) => html`<code class="tag" key=${name}>${name}</code>`)}</dd>
        <dt>${t("certificate.fingerprint")}</dt><dd class="row"><code class="fingerprint">${data.fingerprint}</code><${CopyButton} text=${data.fingerprint} label=${t("certificate.copy")} /></dd>
      </dl></div>
    </section>
    <section class="card" aria-labelledby="trust-title">
      <header><h2 id="trust-title">${t("certificate.trust")}</h2></header>
      <ul class="plain-list">${DEVICES.map((one) => html`<li key=${one}><${Icon} name=${one === "android" || one === "iphone" ? "phone" : one === "check" ? "shield" : one === "command" ? "terminal" : "globe"} />
        <div class="grow min0"><p class="strong">${t(`certificate.on_${one}`)}</p><p class="small soft">${t(`certificate.how_${one}`)}</p></div></li>`)}</ul>
    </section>`}
  </div></div>`;
}
