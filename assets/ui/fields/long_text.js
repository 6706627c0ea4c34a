// Text of several lines; the grid shows its beginning.
import { html } from "../vendor/preact.js";
import { common, emptyOr, text } from "./text.js";

const PEEK = 240;

/** @type {import("./text.js").FieldType} */
export const longText = {
  ...text,
  column: "c-long",
  icon: "type-long",
  soft: true,
  cell: (value) => html`<span title=${String(value).slice(0, 2000)}>${String(value).slice(0, PEEK)}</span>`,
  Input: (props) => html`<textarea
    class=${`input ${props.changed ? "changed" : ""}`} rows="5" ...${common(props)}
    maxlength=${props.field.max_length || undefined} value=${props.draft}
    onInput=${(/** @type {any} */ event) => props.set(event.target.value)}
  ></textarea>`,
  fromDraft: emptyOr,
};
