// An app asks to act for the person who is signed in: who it is, what it wants, where it goes, yes or no.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { base } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Door } from "../widgets/door.js";
import { Icon } from "../widgets/icon.js";
import { FieldError } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { sentence } from "../widgets/trouble.js";

/** @typedef {{client: {id: string, name: string, kind: string, verified: boolean}, scopes: string[], server: string, goes_to: string, username: string}} Asked */

const form = () => Object.fromEntries(new URLSearchParams(location.search));

export function Consent() {
  const { data, error } = useLoad(async () => (await request("POST", "/oauth/consent/look", { form: form() })).data, []);
  if (error) {
    return html`<${Door} outward heading=${t("consent.wrong")} words=${sentence(error)}>
      <a class="btn full" href=${`${base}/`}>${t("consent.home")}</a>
    <//>`;
  }
  if (data?.problem) {
    return html`<${Door} outward heading=${t("consent.wrong")} words=${data.problem.message}>
      <a class="btn full" href=${data.back}>${t("consent.back", { place: data.goes_to })}</a>
    <//>`;
  }
  return data && html`<${Ask} asked=${data} />`;
}

/** @param {{asked: Asked}} props */
function Ask({ asked }) {
  const [chosen, setChosen] = useState(asked.scopes);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState(/** @type {any} */ (null));
  const decide = async (/** @type {"allow"|"deny"} */ decision) => {
    setBusy(true);
    setTrouble(null);
    try {
      const { data } = await request("POST", "/oauth/consent/decide", { form: { ...form(), decision, allowed_scopes: chosen.join(" ") } });
      location.assign(data.redirect);
    } catch (problem) {
      setTrouble(problem);
    }
    // An app that opens by its own scheme leaves this page where it is.
    setBusy(false);
  };
  const toggle = (/** @type {string} */ scope) =>
    setChosen(chosen.includes(scope) ? chosen.filter((one) => one !== scope) : [...chosen, scope]);
  const { client } = asked;
  return html`<${Door} outward heading=${t("consent.heading", { name: client.name })} words=${t("consent.words", { name: asked.username })}>
    <fieldset class="stack consent">
      <legend>${t("consent.wants")}</legend>
      ${asked.scopes.map((scope) => html`<label class="check-row" key=${scope}>
        <input class="check" type="checkbox" name=${scope} checked=${chosen.includes(scope)} onChange=${() => toggle(scope)} />
        <span>${scope === "mcp" && asked.server ? t("consent.scope_server", { name: asked.server }) : t(`consent.scope_${scope.replace(":", "_")}`)}</span>
      </label>`)}
    </fieldset>
    <dl class="consent">
      <dt>${t("consent.goes_to")}</dt><dd><code>${asked.goes_to}</code></dd>
      <dt>${t("consent.client")}</dt><dd><code>${client.id}</code></dd>
    </dl>
    ${!client.verified && html`<p class="note warn"><${Icon} name="alert" /><span>${t("consent.unverified")}</span></p>`}
    ${trouble && html`<${FieldError} text=${sentence(trouble)} />`}
    <div class="row consent">
      <button class="btn" type="button" disabled=${busy} onClick=${() => decide("deny")}>${t("consent.deny")}</button>
      <button class="btn primary" type="button" disabled=${busy || !chosen.length} onClick=${() => decide("allow")}>${t("consent.allow")}</button>
    </div>
  <//>`;
}
