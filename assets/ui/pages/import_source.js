// The file that was chosen for an import: what it is, which of its tables is meant, and the way to another.
import { formatBytes, t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Select } from "../widgets/select.js";

/** @param {{file: File, guess: any, choose: (table: string) => void, drop: () => void}} props */
export function ChosenFile({ file, guess, choose, drop }) {
  return html`<div class="file-row">
    <${Icon} name="file" size=${20} />
    <div class="grow"><p class="clip strong">${file.name}</p>
      <p class="tiny muted">${t(`import.format_${guess.format}`)} · ${formatBytes(file.size)} · ${t("import.columns", { n: guess.columns.length })}</p></div>
    ${guess.tables.length > 1 && html`<${Select} dense aria-label=${t("import.table")} value=${guess.table}
      onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
      ${guess.tables.map((/** @type {string} */ name) => html`<option key=${name} value=${name} selected=${name === guess.table}>${name}</option>`)}
    <//>`}
    <button class="btn dense" type="button" onClick=${drop}>${t("import.other_file")}</button>
  </div>`;
}
