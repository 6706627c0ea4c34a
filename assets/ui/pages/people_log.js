// Who came in, who was refused, and what was done with accounts: the part of the audit log that is about people.
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { Ago } from "../widgets/time.js";
import { useRows } from "./automations_rows.js";
import { Listing } from "./people_keys.js";

const FAILED = ["sign_in_failed", "sign_in_throttled", "password_refused"];
/** @type {Record<string, string[]>} */
const SHOWN = {
  all: ["sign_in", "sign_out", ...FAILED, "sessions_ended", "link_made", "link_used", "password_changed", "password_reset", "second_factor_set", "second_factor_removed", "recovery_codes_made", "person_left"],
  in: ["sign_in"],
  failed: FAILED,
};

/** @param {{query: URLSearchParams}} props */
export function SignInLog({ query }) {
  const show = query.get("show") || "";
  const shown = Object.hasOwn(SHOWN, show) ? show : "all";
  const about = query.get("about") || "";
  const rows = useRows("audit_entries", `kind__in=${SHOWN[shown].join(",")}${about ? `&about=${encodeURIComponent(about)}` : ""}&sort=-id&limit=200&total=false`);
  const move = (/** @type {Record<string, string>} */ changes) => go(href("/people/log", { ...Object.fromEntries(query), ...changes }), { replace: true });
  return html`<div class="scroll"><div class="column pad-top">
    <div class="row wrap wide">
      <div class="segmented" role="group" aria-label=${t("people.show")}>
        ${Object.keys(SHOWN).map((name) => html`<button key=${name} type="button" aria-pressed=${shown === name ? "true" : "false"} onClick=${() => move({ show: name === "all" ? "" : name })}>${t(`people.log_${name}`)}</button>`)}
      </div>
      ${about && html`<button class="btn dense" type="button" onClick=${() => move({ about: "" })}>${t("people.log_about", { name: about })}<${Icon} name="close" /></button>`}
    </div>
    ${rows.data && !rows.data.length ? html`<p class="note"><span>${t("people.no_log")}</span></p>`
      : html`<${Listing} rows=${rows} shape="of-log" label=${t("people.tab_log")} none=${{ heading: "", words: "" }}
      heads=${[t("people.what"), t("people.user"), t("people.detail"), t("people.address"), t("people.when")]}
      draw=${(/** @type {any} */ one) => html`<li key=${one.id}><div class="of-log">
        <${State} kind=${FAILED.includes(one.kind) ? "bad" : "off"}>${t(`people.did_${one.kind}`)}<//>
        <span class="clip strong">${one.about || one.actor_name}${one.about && one.actor_name !== one.about && one.actor_name !== "anonymous" && html`<span class="muted"> ${t("people.by", { name: one.actor_name })}</span>`}</span>
        <span class="clip soft">${one.detail || ""}</span>
        <span class="clip soft">${one.address || ""}</span>
        <span class="soft num"><${Ago} iso=${one.created_at} /></span>
      </div></li>`} />`}
  </div></div>`;
}
