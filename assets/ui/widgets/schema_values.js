// From a tool's JSON Schema to fields, and from what a person typed to the arguments that the tool wants.
import { t } from "../i18n.js";
import { formatJson, parseJson } from "../json.js";
import { typedNumber } from "../typed_number.js";
import { own } from "./words.js";

const LONG_TEXT = 200;
const DEEPEST_REFERENCE = 16;

/**
 * @typedef {"text"|"long"|"number"|"boolean"|"choice"|"several"|"lines"|"json"|"secret"} Kind
 * @typedef {{name: string, kind: Kind, type: string, need: boolean, help: string|null, choices: any[], titles: any[], nothing: any, schema: any}} SchemaField
 */

/** The fields of an object's schema, what is required first. @param {any} schema @returns {SchemaField[]} */
export function fieldsOf(schema) {
  const properties = schema?.properties && typeof schema.properties === "object" ? schema.properties : {};
  const wanted = new Set(Array.isArray(schema?.required) ? schema.required : []);
  const fields = Object.entries(properties).map(([name, raw]) => fieldOf(name, resolved(raw, schema), wanted.has(name)));
  return [...fields.filter((field) => field.need), ...fields.filter((field) => !field.need)];
}

/** @param {string} name @param {any} schema @param {boolean} need @returns {SchemaField} */
function fieldOf(name, schema, need) {
  const type = Array.isArray(schema.type) ? schema.type.find((/** @type {string} */ one) => one !== "null") : schema.type;
  const titled = (schema.oneOf || schema.anyOf || []).filter((/** @type {any} */ one) => one?.const !== undefined);
  const help = typeof schema.description === "string" ? schema.description : null;
  const several = type === "array" && schema.items && fieldOf("", schema.items, false);
  if (several && several.kind === "choice") return { ...several, name, kind: "several", type: t("schema.several"), need, help, nothing: schema.default, schema };
  const choices = Array.isArray(schema.enum) ? schema.enum : schema.const !== undefined ? [schema.const] : titled.map((/** @type {any} */ one) => one.const);
  const titles = Array.isArray(schema.enumNames) ? schema.enumNames : titled.map((/** @type {any} */ one) => one.title);
  const kind = kindOf(type, schema, choices);
  return { name, kind, type: typeOf(type, schema, choices), need, help, choices, titles, nothing: schema.default, schema };
}

/** @param {string|undefined} type @param {any} schema @param {any[]} choices @returns {Kind} */
function kindOf(type, schema, choices) {
  if (choices.length && choices.every((one) => one === null || typeof one !== "object")) return "choice";
  if (schema.writeOnly && type === "string") return "secret";
  if (type === "boolean") return "boolean";
  if (type === "integer" || type === "number") return "number";
  if (type === "array" && schema.items?.type === "string" && !schema.items.enum) return "lines";
  if (type === "string") return schema.maxLength > LONG_TEXT || schema.format === "multiline" ? "long" : "text";
  return "json";
}

/** @param {string|undefined} type @param {any} schema @param {any[]} choices */
function typeOf(type, schema, choices) {
  if (choices.length) return t("schema.choice");
  const { minimum: least, maximum: most } = schema;
  if (least !== undefined && most !== undefined) return t("schema.between", { least, most });
  if (type === "array") return `${schema.items?.type || "any"}[]`;
  return schema.format || type || "JSON";
}

/** Follows references, and takes the one alternative that is not null. @param {any} schema @param {any} root @returns {any} */
function resolved(schema, root) {
  let found = schema && typeof schema === "object" ? schema : {};
  for (let depth = 0; depth < DEEPEST_REFERENCE; depth++) {
    const told = found;
    const alternatives = (found.anyOf || found.oneOf || []).filter((/** @type {any} */ one) => one?.type !== "null");
    if (typeof found.$ref === "string") found = { ...pointed(found.$ref, root), ...without(found, "$ref") };
    else if (alternatives.length === 1) found = { ...alternatives[0], ...without(found, "anyOf", "oneOf") };
    if (found === told) break;
  }
  return found;
}

/** @param {any} schema @param {...string} names */
function without(schema, ...names) {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));
}

/** @param {string} reference "#/$defs/Name" @param {any} root */
function pointed(reference, root) {
  let found = root;
  for (const part of reference.split("/").slice(1)) found = found?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  return found && typeof found === "object" ? found : {};
}

/** How a value stands in its control. @param {SchemaField} field @param {any} value @returns {string} */
export function asText(field, value) {
  if (value === undefined) return "";
  if (field.kind === "lines" && Array.isArray(value)) return value.join("\n");
  if (field.kind === "json" || field.kind === "choice" || field.kind === "several" || field.kind === "boolean") return formatJson(value, field.kind === "json" ? 2 : 0);
  return typeof value === "string" ? value : formatJson(value);
}

/**
 * The arguments as the tool wants them; what was left empty is not sent.
 * @param {SchemaField[]} fields @param {Record<string, string>} texts
 * @returns {{values: Record<string, any>, errors: Record<string, string>}}
 */
export function argumentsFrom(fields, texts) {
  // Without a prototype: an argument may be called `__proto__`.
  /** @type {Record<string, any>} */
  const values = Object.create(null);
  /** @type {Record<string, string>} */
  const errors = Object.create(null);
  for (const field of fields) {
    const text = own(texts, field.name) ?? "";
    if (text === "") {
      if (field.need) errors[field.name] = t("schema.needed");
      continue;
    }
    try {
      values[field.name] = valueOf(field, text);
    } catch (error) {
      errors[field.name] = /** @type {Error} */ (error).message;
    }
  }
  return { values, errors };
}

/** @param {SchemaField} field @param {string} text @returns {any} */
function valueOf(field, text) {
  if (field.kind === "text" || field.kind === "long" || field.kind === "secret") return text;
  if (field.kind === "lines") return text.split("\n").filter((line) => line !== "");
  if (field.kind === "number") {
    const number = typedNumber(text);
    if (Number.isNaN(number) || number === Infinity || number === -Infinity) throw new Error(t("schema.no_number"));
    if (field.type === "integer" && typeof number === "number" && !Number.isInteger(number)) throw new Error(t("schema.no_integer"));
    return number;
  }
  try {
    return parseJson(text);
  } catch {
    throw new Error(t("schema.no_json"));
  }
}
