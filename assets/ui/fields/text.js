// Texts: one line, several, addresses, lists. Also the base of the types that only differ in how they are typed.
import { t } from "../i18n.js";
import { formatJson, parseJson } from "../json.js";
import { html, useState } from "../vendor/preact.js";

/**
 * What every type of field offers.
 * @typedef {{id: string, field: import("../types").Field, draft: any, set: (draft: any) => void, invalid: boolean, changed: boolean, describedBy?: string, isNew: boolean, placeholder?: string, relate?: (model: import("../types").Model, title: string) => void}} InputProps
 * `relate`: makes a record of another model, by the title it is to begin with, and chooses it
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
function emptyOr(draft, field) {
  if (draft !== "") return draft;
  return field.default === "" || field.required ? "" : null;
}

/** The last that can be stored; with it, browsers leave no room for years of more digits. @type {Record<string, string>} */
const LATEST = { date: "9999-12-31", "datetime-local": "9999-12-31T23:59" };

/** @param {string} type of the input element @param {string} [mode] inputmode @param {string} [extra] classes */
export function lineInput(type, mode, extra = "") {
  return (/** @type {InputProps} */ props) => {
    // A line would drop the breaks of what another program wrote there.
    const [broken] = useState(() => type === "text" && /[\r\n]/.test(props.draft));
    if (broken) return html`<${longText.Input} ...${props} />`;
    return html`<input
    class=${`input ${extra} ${props.changed ? "changed" : ""}`} type=${type} inputmode=${mode} ...${common(props)}
    maxlength=${props.field.max_length || undefined} max=${LATEST[type]} placeholder=${props.placeholder} spellcheck=${mode ? "false" : undefined}
    value=${props.draft} onInput=${(/** @type {any} */ event) => props.set(event.target.value)}
  />`;
  };
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

const PEEK = 240;

/** Several lines; the grid shows the beginning. @type {FieldType} */
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

/** @type {FieldType} */
export const email = { ...text, icon: "mail", Input: lineInput("email", "email") };

/** Only http and https become links. @type {FieldType} */
export const url = {
  ...text,
  column: "c-long",
  icon: "globe",
  cell: (value) =>
    /^https?:\/\//i.test(value)
      ? html`<a class="rel" href=${value} target="_blank" rel="noopener noreferrer">${value}</a>`
      : value,
  Input: lineInput("url", "url"),
};

/** A word between commas: those that hold one, or would come back as another word, stand in quotes, and quotes in them twice. */
const WORD = /\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))(?:,|$)/gy;

/** @param {string} word */
const asWord = (word) => (word === "" || word !== word.trim() || /^"|,/.test(word) ? `"${word.replaceAll('"', '""')}"` : word);

/** @param {string} draft @returns {string[]} */
function words(draft) {
  const found = [...draft.matchAll(WORD)].map(([, quoted, plain]) => (quoted === undefined ? plain.trim() || null : quoted.replaceAll('""', '"')));
  return [...new Set(found.filter((word) => word !== null))];
}

/** Short words, typed with commas between. @type {FieldType} */
export const tags = {
  column: "c-tags",
  icon: "tag",
  cell: (value) => html`<span class="row">${value.map((/** @type {string} */ word) => html`<span class="tag" key=${word}>${word}</span>`)}</span>`,
  Input: (props) => html`<${text.Input} ...${props} placeholder=${t("field.tags")} />`,
  toDraft: (value) => (value || []).map(asWord).join(", "),
  fromDraft: words,
};

/** One on each line. @param {string} draft @returns {string[]} */
const eachLine = (draft) => draft.split("\n").filter((line) => line.trim() !== "");

/** A list of texts in JSON, or null for anything else. @param {string} draft @returns {string[]|null} */
function listed(draft) {
  if (!draft.trim().startsWith("[")) return null;
  try {
    const found = parseJson(draft);
    return Array.isArray(found) && found.every((one) => typeof one === "string") ? found : null;
  } catch {
    return null;
  }
}

/** A list of texts that may hold anything, commas as well: typed one on each line, or as JSON where lines would not bring it back. @type {FieldType} */
export const lines = {
  ...tags,
  Input: (props) => html`<textarea
    class=${`input mono ${props.changed ? "changed" : ""}`} rows="3" spellcheck="false" ...${common(props)}
    placeholder=${t("field.lines")} value=${props.draft}
    onInput=${(/** @type {any} */ event) => props.set(event.target.value)}
  ></textarea>`,
  toDraft: (value) => {
    const list = value || [];
    const plain = list.join("\n");
    // What is typed into loses its returns, and all of a list that is JSON is read as such.
    const comesBack = !plain.includes("\r") && !listed(plain) && formatJson(eachLine(plain)) === formatJson(list);
    return comesBack ? plain : formatJson(list, 2);
  },
  fromDraft: (draft) => listed(draft) || eachLine(draft),
};
