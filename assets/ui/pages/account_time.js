// The time zone that reminders, new schedules and AI clients go by.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { PREFERENCE, browserZone, chosenZone } from "../time_zone.js";
import { html, useState } from "../vendor/preact.js";
import { Select } from "../widgets/select.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

const ZONES = Intl.supportedValuesOf("timeZone");

export function TimeZone() {
  const [busy, setBusy] = useState(false);
  const now = chosenZone.value;
  const choose = async (/** @type {any} */ event) => {
    const value = event.target.value;
    setBusy(true);
    try {
      await api.post("/api/v1/preferences", { key: PREFERENCE, value: value || null }, { query: "upsert=key" });
      chosenZone.value = value;
      say(t("account.zone_kept"));
    } catch (problem) {
      event.target.value = now;
      say(sentence(problem), "bad");
    } finally {
      setBusy(false);
    }
  };
  const names = now && !ZONES.includes(now) ? [now, ...ZONES] : ZONES;
  return html`<section class="card" aria-labelledby="account-zone-title">
    <header><h2 id="account-zone-title">${t("account.zone")}</h2></header>
    <div class="body"><div class="field">
      <label class="label" for="account-zone">${t("account.zone_label")}</label>
      <${Select} id="account-zone" aria-describedby="account-zone-help" disabled=${busy} value=${now} onChange=${choose}>
        <option value="">${t("account.zone_own", { zone: browserZone })}</option>
        ${names.map((name) => html`<option key=${name} value=${name}>${name.replaceAll("_", " ")}</option>`)}
      <//>
      <p class="help" id="account-zone-help">${t("account.zone_help")}</p>
    </div></div>
  </section>`;
}
