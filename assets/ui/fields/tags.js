// A list of short words, typed with commas between.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { lineInput } from "./text.js";

const Line = lineInput("text");

/** @type {import("./text.js").FieldType} */
export const tags = {
  column: "c-tags",
  icon: "tag",
  cell: (value) => html`<span class="row">${value.map((/** @type {string} */ word) => html`<span class="tag" key=${word}>${word}</span>`)}</span>`,
  Input: (props) => html`<${Line} ...${props} placeholder=${t("field.tags")} />`,
  toDraft: (value) => (value || []).join(", "),
  fromDraft: (draft) => [...new Set(draft.split(",").map((/** @type {string} */ word) => word.trim()).filter(Boolean))],
};
