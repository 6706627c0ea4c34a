// The settings of one group, or those that a search finds, each with its help and where it comes from.
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html } from "../vendor/preact.js";
import { SettingField } from "./settings_field.js";

/** @typedef {import("./settings.js").Setting} Setting */

/** @param {{group: string, settings: Setting[], reload: () => void}} props */
export function SettingsGroup({ group, settings, reload }) {
  return html`<div class="scroll"><div class="column settings-column">
    <header class="page-head"><div class="say"><h1>${t(`settings.group_${group}`)}</h1><p>${t(`settings.words_${group}`)}</p></div></header>
    <${SettingsCard} settings=${settings.filter((one) => one.group === group)} reload=${reload} />
  </div></div>`;
}

/** @param {{settings: Setting[], reload: () => void}} props */
export function SettingsCard({ settings, reload }) {
  return html`<div class="card settings-card">
    ${settings.map((one) => html`<${SettingField} key=${one.name} setting=${one} reload=${reload} />`)}
  </div>`;
}

/** @param {{words: string, settings: Setting[], reload: () => void}} props */
export function SettingsFound({ words, settings, reload }) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = settings.filter((one) => {
    const text = [one.name, t(`setting.${one.name}`), one.help, one.environment, t(`settings.group_${one.group}`)].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const groups = [...new Set(found.map((one) => one.group))];
  return html`<div class="scroll"><div class="column settings-column">
    <header class="page-head"><div class="say"><h1>${t("settings.found")}</h1><p role="status">${t("settings.found_n", { n: found.length, words })}</p></div>
      <div class="do"><button class="btn" type="button" onClick=${() => go(href("/settings"))}>${t("settings.clear")}</button></div></header>
    ${groups.map((group) => html`<section class="stack" key=${group} aria-labelledby=${`found-${group}`}>
      <h2 class="settings-heading" id=${`found-${group}`}><a class="link" href=${href(`/settings/${group}`)}>${t(`settings.group_${group}`)}</a></h2>
      <${SettingsCard} settings=${found.filter((one) => one.group === group)} reload=${reload} />
    </section>`)}
  </div></div>`;
}
