// Other computers, for admins: whether they may come in, at which address, and what to do when they can't.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Copyable } from "../widgets/copy.js";
import { confirm } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { QrCode } from "../widgets/qr_code.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble, sentence } from "../widgets/trouble.js";

const LOOK_MS = 3_000;
/** Nobody came within this time: a firewall is the likely reason. */
const FIREWALL_MS = 60_000;
const RETURN_MS = 2_500;

/** @typedef {{on: boolean, given_by: string|null, encryption: "off"|"self-made"|"files", fingerprint: string|null, address: string|null, addresses: string[], qr: string[]|null, missing: {code: string, message: string}[], first_visitor_at: string|null, firewall: {text: string, command: string|null}}} Lan */

async function load(/** @type {AbortSignal} */ signal) {
  return /** @type {Lan} */ ((await api.get("/api/v1/server/lan", { signal })).data);
}

export function Sharing() {
  const { data, error, slow, reload, look } = useLoad(load, []);
  const [moved, setMoved] = useState(/** @type {null|{on: boolean, here: string}} */ (null));
  const waiting = Boolean(data?.on && !data.first_visitor_at && !moved);
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => document.visibilityState === "visible" && look(), LOOK_MS);
    return () => clearInterval(timer);
  }, [waiting]);
  const [, once] = useBusy();
  const change = (/** @type {boolean} */ on, /** @type {string} */ encryption = "self-made") => once(async () => {
    if (on && encryption === "off" && !(await confirm({ heading: t("sharing.plain_ask"), words: t("sharing.plain_words"), verb: t("sharing.plain_do"), danger: true }))) return;
    try {
      setMoved((await api.post("/api/v1/server/lan", on ? { on, encryption } : { on })).data);
    } catch (problem) {
      say(sentence(problem), "bad");
      reload();
    }
  });
  return html`<div class="scroll"><div class="column settings-column">
    <header class="page-head"><div class="say"><h1>${t("page.sharing")}</h1><p>${t("sharing.words")}</p></div></header>
    ${error && !data && html`<${Trouble} error=${error} what=${t("sharing.error")} retry=${reload} />`}
    ${!data && slow && html`<section class="card"><${Skeleton} rows=${4} /></section>`}
    ${moved ? html`<${Moving} ...${moved} />` : data && (data.on ? html`<${Open} lan=${data} change=${change} />` : html`<${Closed} lan=${data} change=${change} />`)}
  </div></div>`;
}

/** @param {{lan: Lan, change: (on: boolean, encryption?: string) => void}} props */
function Closed({ lan, change }) {
  const [encryption, setEncryption] = useState("self-made");
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    change(true, encryption);
  };
  const choice = (/** @type {string} */ value, /** @type {string} */ key) => html`<label class="choice">
    <input type="radio" name="encryption" value=${value} checked=${encryption === value} onChange=${() => setEncryption(value)} />
    <span class="stack tight"><span>${t(`sharing.${key}`)}</span><span class="small muted">${t(`sharing.${key}_words`)}</span></span>
  </label>`;
  return html`<section class="card" aria-labelledby="sharing-off">
    <header><h2 id="sharing-off">${t("sharing.off")}</h2></header>
    <form class="body stack" onSubmit=${submit}>
      ${lan.missing.map((one) => html`<div class="note warn" key=${one.code}><${Icon} name="alert" /><p>${one.message}</p></div>`)}
      <fieldset class="stack bare"><legend class="vh">${t("sharing.encryption")}</legend>${choice("self-made", "https")}${choice("off", "http")}</fieldset>
      <div class="row"><button class="btn primary" type="submit" disabled=${lan.missing.length > 0}><${Icon} name="globe" />${t("sharing.turn_on")}</button></div>
    </form>
  </section>`;
}

/** @param {{lan: Lan, change: (on: boolean) => void}} props */
function Open({ lan, change }) {
  const [others, setOthers] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setOthers(true), FIREWALL_MS);
    return () => clearTimeout(timer);
  }, []);
  return html`<section class="card" aria-labelledby="sharing-on">
    <header><h2 id="sharing-on">${t("sharing.on")}</h2><span class="grow"></span>
      ${!lan.given_by && html`<button class="btn dense" type="button" onClick=${() => change(false)}>${t("sharing.turn_off")}</button>`}</header>
    <div class="body stack">
      ${lan.encryption === "off" && html`<div class="note warn"><${Icon} name="alert" /><p><b>${t("sharing.not_encrypted")}</b> ${t("sharing.not_encrypted_words")}</p></div>`}
      <div class="share">
        ${lan.qr && html`<${QrCode} rows=${lan.qr} label=${t("sharing.qr")} />`}
        <div class="stack grow">
          ${lan.addresses.map((one) => html`<${Copyable} key=${one} text=${one} label=${t("sharing.copy")} />`)}
          <p class="small muted">${t("sharing.address_words")}</p>
        </div>
      </div>
      ${lan.encryption === "self-made" && html`<div class="note info"><${Icon} name="lock" /><div class="stack tight min0"><p>${t("sharing.certificate")}</p><code class="fingerprint">${lan.fingerprint}</code></div></div>`}
      ${lan.given_by && html`<p class="small muted">${t("sharing.given_by", { what: lan.given_by })}</p>`}
    </div>
  </section>
  <section class="card" aria-labelledby="sharing-visitors">
    <header><h2 id="sharing-visitors">${t("sharing.visitors")}</h2></header>
    <div class="body stack" role="status">
      ${lan.first_visitor_at
        ? html`<div class="note good"><${Icon} name="check" /><p>${t("sharing.visited")}</p></div>`
        : html`<p>${t(others ? "sharing.nobody" : "sharing.waiting")}</p>
            ${others
              ? html`<p class="small">${lan.firewall.text}</p>${lan.firewall.command && html`<${Copyable} text=${lan.firewall.command} />`}`
              : html`<div class="row"><button class="btn dense" type="button" onClick=${() => setOthers(true)}>${t("sharing.help")}</button></div>`}`}
    </div>
  </section>`;
}

/** The server starts again, perhaps under another address: the page goes there. @param {{on: boolean, here: string}} props */
function Moving({ on, here }) {
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const next = `${new URL(here).protocol}//${location.host}${location.pathname}${location.search}`;
  const shutOut = !on && !local;
  useEffect(() => {
    if (shutOut) return;
    // Long enough for the server to end and begin; a page under the same address loads anew as well.
    const timer = setTimeout(() => {
      location.href = `${next}#/settings/sharing`;
      if (location.href.startsWith(next)) location.reload();
    }, RETURN_MS);
    return () => clearTimeout(timer);
  }, []);
  if (shutOut) return html`<section class="card"><div class="body pad" role="status"><p>${t("sharing.shut_out", { address: here })}</p></div></section>`;
  return html`<section class="card"><div class="body pad stack" role="status">
    <p>${t("sharing.moving")}</p>
    ${next.startsWith("https:") && location.protocol === "http:" && html`<p class="small muted">${t("sharing.browser_warns")}</p>`}
    <p><a class="link" href=${`${next}#/settings/sharing`}>${next}</a></p>
  </div></section>`;
}
