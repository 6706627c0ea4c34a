// A model as it is being designed: what the form holds, and the definition the API gets. No drawing here.
import { typeOf } from "../fields/index.js";
import { Unreadable } from "../fields/text.js";
import { typedNumber } from "../typed_number.js";

/**
 * @typedef {{key: number, was: string|null, column: string|null, examples: string[], name: string, named: boolean, label: string, type: string, help: string,
 *   required: boolean, unique: string, indexed: boolean, searchable: boolean, defaultDraft: any, choices: string, references: string,
 *   on_delete: string, minimum: string, maximum: string, max_length: string, accept: string, megabytes: string, declared: any}} FieldDraft
 * `was`: its name in the model as it is; `declared`: all that it is declared with there, so that nothing is lost that this form does not ask for
 * @typedef {{name: string, named: boolean, label: string, labelled: boolean, label_plural: string, description: string, icon: string, title_field: string, owned: boolean,
 *   history: boolean, members: string, guests: string, fields: FieldDraft[]}} ModelDraft
 */

export const TYPES = [
  "text", "long_text", "integer", "number", "boolean", "date", "datetime", "choice", "tags", "email", "url", "relation", "file", "json", "bytes",
];
const TEXTS = ["text", "long_text", "email", "url"];
const NUMBERS = ["integer", "number"];
const MEGABYTE = 1e6;

/** What a type of field has to choose. @param {string} type */
export function optionsOf(type) {
  return {
    searchable: TEXTS.includes(type),
    keyed: !["json", "tags", "bytes"].includes(type),
    range: NUMBERS.includes(type),
    length: TEXTS.includes(type) || type === "bytes",
    choices: type === "choice",
    relation: type === "relation",
    file: type === "file",
    preset: !["relation", "file", "json", "tags", "bytes"].includes(type),
  };
}

let last = 0;

/** @param {Partial<FieldDraft>} [given] @returns {FieldDraft} */
export function blankField(given = {}) {
  last += 1;
  return {
    key: last, was: null, column: null, examples: [], name: "", named: false, label: "", type: "text", help: "", required: false, unique: "", indexed: false,
    searchable: false, defaultDraft: "", choices: "", references: "", on_delete: "restrict", minimum: "", maximum: "", max_length: "", accept: "", megabytes: "", declared: {}, ...given,
  };
}

/** @returns {ModelDraft} */
export function blankModel() {
  return {
    name: "", named: false, label: "", labelled: false, label_plural: "", description: "", icon: "", title_field: "", owned: true, history: true, members: "own", guests: "none",
    fields: [blankField({ name: "title", named: true, label: "Title", required: true, searchable: true })],
  };
}

/** A name the API takes, out of any words. @param {string} words */
export function nameFrom(words) {
  const plain = words.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "_").replace(/^[_0-9]+|_+$/g, "").slice(0, 48).replace(/_+$/, "");
}

/** One of many: "Books" is a book. A guess that the person can change. @param {string} plural */
export function singular(plural) {
  if (/ies$/i.test(plural) && plural.length > 4) return plural.replace(/ies$/i, "y");
  if (/(ss|x|ch|sh)es$/i.test(plural)) return plural.replace(/es$/i, "");
  return /[^s]s$/i.test(plural) ? plural.slice(0, -1) : plural;
}

/** @param {any} field of a definition @returns {FieldDraft} */
function fieldDraft(field) {
  const text = (/** @type {any} */ value) => (value === null || value === undefined ? "" : String(value));
  const preset = field.default === null || field.default === undefined;
  return blankField({
    was: field.name, name: field.name, named: true, label: field.label || labelFrom(field.name), type: field.type, help: field.help || "",
    required: Boolean(field.required), unique: field.unique === true ? "owner" : field.unique || "", indexed: Boolean(field.indexed), searchable: Boolean(field.searchable),
    defaultDraft: preset ? "" : field.type === "boolean" ? String(field.default) : typeOf(asField(field)).toDraft(field.default),
    choices: (field.choices || []).join("\n"), references: field.references || "", on_delete: field.on_delete || "restrict",
    minimum: text(field.minimum), maximum: text(field.maximum), max_length: text(field.max_length),
    accept: (field.accept || []).join(", "), megabytes: field.max_bytes ? String(field.max_bytes / MEGABYTE) : "", declared: field,
  });
}

/** @param {string} name */
const labelFrom = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

/** @param {any} definition from the API @returns {ModelDraft} */
export function draftOf(definition) {
  return {
    ...blankModel(), ...definition, named: true, labelled: true, label_plural: definition.label_plural || definition.label,
    icon: definition.icon || "", title_field: definition.title_field || "", fields: definition.fields.map(fieldDraft),
  };
}

/** What a file suggests. The file's columns stay beside their fields. @param {any} guess @returns {ModelDraft} */
export function draftOfGuess(guess) {
  const { model, columns } = guess;
  const made = columns.filter((/** @type {any} */ column) => !["id", "created_at", "updated_at", "owner_id"].includes(nameFrom(column.name)));
  const fields = model.fields.map((/** @type {any} */ field, /** @type {number} */ at) => ({
    ...fieldDraft(field), was: null, column: made[at]?.name ?? null, examples: made[at]?.examples || [],
    searchable: TEXTS.includes(field.type), indexed: ["integer", "number", "date", "datetime", "choice"].includes(field.type),
  }));
  return { ...blankModel(), name: model.name, named: true, label: singular(model.label), label_plural: model.label, fields };
}

/** A field of the API, as far as the controls that type its default need it. @param {any} field */
export function asField(field) {
  return { ...field, label: field.label || field.name, read_only: false, write_only: false, create_only: false, required: false, default: null };
}

/** @param {string} text @returns {number|null} */
function numberOf(text) {
  const value = text.trim() === "" ? null : Number(typedNumber(text));
  if (value !== null && !Number.isFinite(value)) throw new Unreadable("field.not_number");
  return value;
}

/** A limit, exact beyond 2^53 as well. @param {string} text */
function limitOf(text) {
  const value = typedNumber(text);
  return typeof value === "bigint" ? value : numberOf(text);
}

const ASKED = [
  "name", "type", "label", "help", "required", "unique", "default", "indexed", "searchable", "choices", "references", "on_delete", "minimum", "maximum",
  "max_length", "accept", "max_bytes",
];

/** What a field is declared with that this form does not ask for. @param {any} declared */
function unasked(declared) {
  return Object.fromEntries(Object.entries(declared).filter(([name]) => !ASKED.includes(name)));
}

/** @param {FieldDraft} draft @returns {any} the field for the API @throws {Unreadable} */
function fieldOf(draft) {
  const can = optionsOf(draft.type);
  const kept = draft.declared.type === draft.type ? draft.declared : {};
  /** @type {Record<string, any>} */
  const field = { ...unasked(kept), name: draft.name, type: draft.type, label: draft.label.trim() || null };
  if (draft.was && draft.was !== draft.name) field.was = draft.was;
  if (draft.help.trim()) field.help = draft.help.trim();
  if (draft.required) field.required = true;
  if (can.keyed && draft.unique) field.unique = draft.unique === "owner" ? true : draft.unique;
  if (can.keyed && draft.indexed) field.indexed = true;
  if (can.searchable && draft.searchable) field.searchable = true;
  if (can.choices) field.choices = draft.choices.split("\n").map((line) => line.trim()).filter(Boolean);
  if (can.relation) Object.assign(field, { references: draft.references || null, on_delete: draft.on_delete });
  if (can.range) {
    const [minimum, maximum] = [limitOf(draft.minimum), limitOf(draft.maximum)];
    if (minimum !== null) field.minimum = minimum;
    if (maximum !== null) field.maximum = maximum;
  }
  if (can.file) {
    const largest = numberOf(draft.megabytes);
    field.accept = draft.accept.split(",").map((kind) => kind.trim().toLowerCase()).filter(Boolean);
    if (largest !== null) field.max_bytes = Math.round(largest * MEGABYTE);
  }
  if (can.length && numberOf(draft.max_length) !== null) field.max_length = numberOf(draft.max_length);
  // An empty text is a default of its own, and some types have one that is not asked for here.
  if (kept.default !== undefined && (!can.preset || (kept.default === "" && draft.defaultDraft === ""))) field.default = kept.default;
  if (can.preset && draft.defaultDraft !== "") {
    field.default = draft.type === "boolean" ? draft.defaultDraft === "true" : typeOf(asField(field)).fromDraft(draft.defaultDraft, asField(field));
  }
  return field;
}

/**
 * @param {ModelDraft} draft
 * @returns {{definition: any, errors: Record<string, string>}} `errors` by "part" or "key.part" of a field, as keys of the catalogue
 */
export function definitionOf(draft) {
  /** @type {Record<string, string>} */
  const errors = {};
  if (!draft.name) errors.name = "design.name_needed";
  if (!draft.label_plural.trim()) errors.label_plural = "field.needed";
  const names = draft.fields.map((field) => field.name);
  const fields = draft.fields.map((field) => {
    if (!field.name) errors[`${field.key}.name`] = "design.name_needed";
    else if (names.filter((name) => name === field.name).length > 1) errors[`${field.key}.name`] = "design.name_twice";
    if (field.type === "choice" && !field.choices.trim()) errors[`${field.key}.choices`] = "design.choices_needed";
    if (field.type === "relation" && !field.references) errors[`${field.key}.references`] = "design.references_needed";
    try {
      return fieldOf(field);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      errors[`${field.key}.name`] ||= error.message;
      return { name: field.name, type: field.type };
    }
  });
  const { name, owned, history, members, guests } = draft;
  const label_plural = draft.label_plural.trim();
  const definition = {
    name, label: draft.label.trim() || singular(label_plural), label_plural, description: draft.description.trim(), icon: draft.icon || null,
    title_field: names.includes(draft.title_field) ? draft.title_field : null, owned, history, members, guests, fields,
  };
  return { definition, errors };
}

/**
 * The server's refusal, at the parts it names: "fields.2.name" or "fields.price.default".
 * @param {ModelDraft} draft @param {Record<string, {message: string}>} fields @returns {Record<string, string>} sentences by "part" or "key.part"; "" for the rest
 */
export function errorsOf(draft, fields) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const [path, { message }] of Object.entries(fields)) {
    const [first, which, part = "name"] = path.split(".");
    const field = first === "fields" ? draft.fields.find((one, at) => String(at) === which || one.name === which) : undefined;
    if (field) found[`${field.key}.${part}`] = message;
    else if (["name", "label", "label_plural", "description", "members", "guests"].includes(first)) found[first] = message;
    else found[""] = [found[""], message].filter(Boolean).join("; ");
  }
  return found;
}
