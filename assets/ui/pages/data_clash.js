// Two people and one record: what the other one wrote, and what becomes of one's own.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";

const SHOWN = 400;

/** What somebody else wrote into a field, as text. @param {import("../types").Field} field @param {any} draft */
function asWritten(field, draft) {
  if (draft === "" || draft === null || draft === undefined) return t("form.nothing");
  if (typeof draft === "boolean") return t(draft ? "form.ticked" : "form.not_ticked");
  return field.type === "file" ? t("file.number", { id: draft }) : String(draft).slice(0, SHOWN);
}

/** @param {string} name */
const choiceId = (name) => `choose-${name}`;

/** @param {string} name of the field */
export function focusChoice(name) {
  document.getElementById(choiceId(name))?.focus();
}

/** @param {{field: import("../types").Field, value: any, mine: () => void, theirs: () => void}} props `value`: the draft of what is stored now */
export function Choice({ field, value, mine, theirs }) {
  return html`<div class="note warn" role="group" aria-label=${t("form.clash_of", { field: field.label })}>
    <${Icon} name="people" />
    <div class="stack">
      <span>${t("form.theirs", { value: asWritten(field, value) })}</span>
      <div class="row wrap">
        <button class="btn dense" type="button" id=${choiceId(field.name)} onClick=${mine}>${t("form.keep_mine")}</button>
        <button class="btn dense" type="button" onClick=${theirs}>${t("form.take_theirs")}</button>
      </div>
    </div>
  </div>`;
}

/** @param {{typed: boolean, make: false|(() => void), busy: boolean}} props */
export function Gone({ typed, make, busy }) {
  return html`<div class="note warn" role="alert">
    <${Icon} name="alert" />
    <div class="stack">
      <span>${t(typed ? "form.gone_typed" : "form.gone")}</span>
      ${make && html`<div><button class="btn dense" type="button" disabled=${busy} onClick=${make}><${Icon} name="plus" />${t("form.make_anew")}</button></div>`}
    </div>
  </div>`;
}
