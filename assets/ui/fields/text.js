// One line of text; also the base of the types that only differ in how they are typed.
import { html } from "../vendor/preact.js";

/**
 * What every type of field offers.
 * @typedef {{id: string, field: import("../types").Field, draft: any, set: (draft: any) => void, invalid: boolean, changed: boolean, describedBy?: string, isNew: boolean, placeholder?: string}} InputProps
 * @typedef {{column: string, icon?: string, end?: boolean, soft?: boolean, cell: (value: any, field: import("../types").Field, about?: any) => any, Input: (props: InputProps) => any, toDraft: (value: any) => any, fromDraft: (draft: any, field: import("../types").Field) => any}} FieldType
 */

/** Thrown by fromDraft: the text can't be read as a value. The message is a key of the catalogue. */
export class Unreadable extends Error {}

/** Attributes that every control carries. @param {InputProps} props */
export function common({ id, field, invalid, describedBy }) {
  return {
    id,
    name: field.name,
    "aria-invalid": invalid ? "true" : undefined,
    "aria-describedby": describedBy,
    "aria-required": field.required ? "true" : undefined,
    autocomplete: "off",
  };
}

/** An emptied field is null, unless the model itself starts with an empty text. @param {string} draft @param {import("../types").Field} field */
export function emptyOr(draft, field) {
  if (draft !== "") return draft;
  return field.default === "" || field.required ? "" : null;
}

/** @param {string} type of the input element @param {string} [mode] inputmode @param {string} [extra] classes */
export function lineInput(type, mode, extra = "") {
  return (/** @type {InputProps} */ props) => html`<input
    class=${`input ${extra} ${props.changed ? "changed" : ""}`} type=${type} inputmode=${mode} ...${common(props)}
    maxlength=${props.field.max_length || undefined} placeholder=${props.placeholder} spellcheck=${mode ? "false" : undefined}
    value=${props.draft} onInput=${(/** @type {any} */ event) => props.set(event.target.value)}
  />`;
}

/** @type {FieldType} */
export const text = {
  column: "c-text",
  icon: "type-text",
  cell: (value) => value,
  Input: lineInput("text"),
  toDraft: (value) => (value === null || value === undefined ? "" : String(value)),
  fromDraft: emptyOr,
};
