// Definitions of models into a file: all of one's own, or those that are chosen.
import { t } from "../i18n.js";
import { base } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { DEFINITIONS, Gaps, gapsOf, toggled } from "./models_choice.js";

/** @param {{models: import("../types").Model[], close: () => void}} props those that were made here */
export function ModelsExport({ models, close }) {
  const [left, leave] = useState(/** @type {Set<string>} */ (new Set()));
  const chosen = models.filter(({ name }) => !left.has(name));
  const gaps = gapsOf(models, (name) => !left.has(name), (name) => left.has(name));
  const query = left.size ? `?models=${chosen.map(({ name }) => name).join(",")}` : "";
  return html`<${Dialog} label="export-title" onClose=${close}>
    <h2 id="export-title">${t("defs.export")}</h2>
    <p class="soft">${t("defs.export_words")}</p>
    <fieldset class="bare choices"><legend class="vh">${t("map.title")}</legend>
      ${models.map(({ name, label_plural }) => html`<div class="check-row" key=${name}>
        <input class="check" type="checkbox" id=${`export-${name}`} checked=${!left.has(name)} onChange=${() => leave(toggled(left, name))} />
        <label for=${`export-${name}`}>${label_plural}</label></div>`)}
    </fieldset>
    <${Gaps} gaps=${gaps} models=${models} words=${t("defs.export_gaps")} verb=${t("defs.put_in")} add=${(/** @type {string[]} */ names) => leave(new Set([...left].filter((name) => !names.includes(name))))} />
    <footer><${Cancel} />
      ${chosen.length
        ? html`<a class="btn primary" href=${`${base}${DEFINITIONS}${query}`} download="gridbear-models.json" onClick=${close}><${Icon} name="download" />${t("defs.export_do", { n: chosen.length })}</a>`
        : html`<button class="btn primary" type="button" disabled>${t("defs.export_do", { n: 0 })}</button>`}
    </footer>
  <//>`;
}
