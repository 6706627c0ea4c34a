// What a plugin asks for, before somebody says yes.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";

/** @param {{permissions: {name: string, meaning: string, enforced: boolean, details: string[]}[], fresh?: string[], warnings: string[], hash: string}} props `fresh` are those that it did not have before */
export function Asked({ permissions, fresh = [], warnings, hash }) {
  return html`
    ${permissions.length ? html`<p>${t("plugins.asks")}</p><ul class="asked">${permissions.map((one) => html`<li key=${one.name}>
      <${Icon} name=${one.enforced ? "shield" : "info"} size=${16} /><div><code>${one.name}</code>${fresh.includes(one.name) && html` <span class="tag">${t("plugins.fresh")}</span>`}<p class="small soft">${one.meaning}</p>${one.details.map((line) => html`<p class="small lines" key=${line}><code>${line}</code></p>`)}</div></li>`)}</ul>`
      : html`<p>${t("plugins.asks_nothing")}</p>`}
    ${warnings.map((one) => html`<div class="note warn" key=${one}><${Icon} name="alert" /><span>${one}</span></div>`)}
    <p class="small soft">${t("plugins.trust")}</p>
    <p class="tiny muted hash">SHA-256 <code>${hash}</code></p>`;
}
