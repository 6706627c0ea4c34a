// A list of texts that may hold anything, commas as well: typed one on each line.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { tags } from "./tags.js";
import { common } from "./text.js";

/** @type {import("./text.js").FieldType} */
export const lines = {
  ...tags,
  Input: (props) => html`<textarea
    class=${`input mono ${props.changed ? "changed" : ""}`} rows="3" spellcheck="false" ...${common(props)}
    placeholder=${t("field.lines")} value=${props.draft}
    onInput=${(/** @type {any} */ event) => props.set(event.target.value)}
  ></textarea>`,
  toDraft: (value) => (value || []).join("\n"),
  fromDraft: (draft) => draft.split("\n").filter((/** @type {string} */ line) => line.trim() !== ""),
};
