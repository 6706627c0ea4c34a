// Structured values: clipped in the grid, typed as JSON in the form.
import { formatJson, parseJson } from "../json.js";
import { html } from "../vendor/preact.js";
import { Unreadable, common } from "./text.js";

const PEEK = 160;
const LEAST_ROWS = 4;
const MOST_ROWS = 14;

/** @param {string} draft @param {import("../types").Field} field */
export function readJson(draft, field) {
  if (draft.trim() === "") return field.default ?? null;
  try {
    return parseJson(draft);
  } catch {
    throw new Unreadable("field.not_json");
  }
}

/** @param {import("./text.js").InputProps} props */
function JsonInput(props) {
  const rows = Math.max(LEAST_ROWS, Math.min(MOST_ROWS, props.draft.split("\n").length));
  return html`<textarea
    class=${`input mono ${props.changed ? "changed" : ""}`} rows=${rows} spellcheck="false" ...${common(props)}
    value=${props.draft} onInput=${(/** @type {any} */ event) => props.set(event.target.value)}
  ></textarea>`;
}

/** @type {import("./text.js").FieldType} */
export const json = {
  column: "c-json",
  icon: "type-json",
  cell: (value) => {
    const text = formatJson(value);
    return html`<span class="peek" title=${text.slice(0, 2000)}>${text.slice(0, PEEK)}</span>`;
  },
  Input: JsonInput,
  toDraft: (value) => (value === null || value === undefined ? "" : formatJson(value, 2)),
  fromDraft: readJson,
};
