// Label above, control, help below, error under it with its remedy.
import { base } from "../store.js";
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";

/** @param {{text: string, id?: string}} props */
export function FieldError({ text, id }) {
  return html`<p class="error" id=${id} role="alert">
    <svg aria-hidden="true"><use href=${`${base}/ui/icons.svg#st-bad`} /></svg>${text}
  </p>`;
}

/** Help where names stand between backticks, as in code. @param {string} text */
export function withCode(text) {
  return text.split("\x60").map((part, at) => (at % 2 ? html`<code key=${at}>${part}</code>` : part));
}

/** Ids that describe a control. @param {string} id @param {any} help @param {any} error */
export function describedBy(id, help, error) {
  return [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
}

/**
 * @param {{id: string, label: string, need?: boolean, type?: string, help?: string|null, was?: string|null, error?: string, children: any}} props
 */
export function Labelled({ id, label, need, type, help, was, error, children }) {
  return html`<div class="field">
    <label for=${id}>${label}${need && html` <span class="need">${t("field.required")}</span>`}${type && html`<span class="type">${type}</span>`}</label>
    ${children}
    ${help && html`<p class="help" id=${`${id}-help`}>${withCode(help)}</p>`}
    ${was && html`<p class="help">${was}</p>`}
    ${error && html`<${FieldError} text=${error} id=${`${id}-error`} />`}
  </div>`;
}
