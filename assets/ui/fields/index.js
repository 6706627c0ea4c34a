// Which module draws which type of field. A type nobody knows is shown and typed as JSON, never hidden.
import { t } from "../i18n.js";
import { boolean, choice } from "./choice.js";
import { date, datetime } from "./date.js";
import { file } from "./file.js";
import { json } from "./json.js";
import { integer, number } from "./number.js";
import { relation } from "./relation.js";
import { secret } from "./secret.js";
import { email, lines, longText, tags, text, url } from "./text.js";

/** @type {Map<string, import("./text.js").FieldType>} */
const types = new Map(
  Object.entries({
    text, long_text: longText, integer, number, boolean, date, datetime, choice, json, tags, relation, secret, email, url, file, bytes: text,
  }),
);
/** Those that the catalogue has a word for; a plugin's own type goes by its name. */
const NAMED = new Set(types.keys());

/** @param {import("../types").Field} field @returns {import("./text.js").FieldType} */
export function typeOf(field) {
  if (field.write_only) return secret;
  if (field.type === "tags" && field.item_type === "line") return lines;
  return types.get(field.type) || json;
}

/** The icon of a field's type. @param {import("../types").Field} field */
export function iconOf(field) {
  if (field.name === "id") return "key";
  return field.references === "users" ? "user" : typeOf(field).icon || "type-text";
}

/** What a field's type is called. @param {import("../types").Field} field */
export function typeName(field) {
  if (field.write_only) return t("type.secret");
  return NAMED.has(field.type) ? t(`type.${field.type}`) : field.type;
}

/** Lets a plugin draw a type of its own. @param {string} name @param {import("./text.js").FieldType} type */
export function registerField(name, type) {
  types.set(name, type);
}
