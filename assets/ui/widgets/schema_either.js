// What a schema asks for, typed into its fields or written as JSON; what was typed goes along from one to the other.
import { t } from "../i18n.js";
import { formatJson, parseJson } from "../json.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { FieldError } from "./labelled.js";
import { SchemaForm } from "./schema_form.js";
import { argumentsFrom, asText } from "./schema_values.js";
import { own } from "./words.js";

/**
 * @typedef {import("./schema_values.js").SchemaField} SchemaField
 * @typedef {{texts: Record<string, string>, raw: string|null}} Draft `raw`: the JSON, null while it is the fields that are typed into
 */

/** What stands in the fields for some values. @param {SchemaField[]} fields @param {any} values @returns {Record<string, string>} */
export function textsOf(fields, values) {
  return values ? Object.fromEntries(fields.map((field) => [field.name, asText(field, own(values, field.name))])) : {};
}

/** @param {SchemaField[]} fields @param {() => Draft} begin */
export function useEither(fields, begin) {
  const [begun] = useState(begin);
  const [texts, setTexts] = useState(begun.texts);
  const [raw, setRaw] = useState(begun.raw);
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));

  /** @param {Record<string, string>} wrong */
  const refuse = (wrong) => {
    setErrors(wrong);
    requestAnimationFrame(() => /** @type {HTMLElement|null} */ (form.current?.querySelector("[aria-invalid=true]"))?.focus());
    return null;
  };
  /** The object that was written, or null when it is none. @param {string} text */
  const objectIn = (text) => {
    try {
      const value = parseJson(text);
      if (value && typeof value === "object" && !Array.isArray(value)) return value;
    } catch {
      // Said below.
    }
    return refuse({ "": t("tools.no_object") });
  };
  /** What is to be sent, or null when something is wrong, which is then said. @param {{strict?: boolean}} [how] `strict`: JSON has to be what the fields would take as well */
  const read = ({ strict = false } = {}) => {
    const written = raw === null ? null : objectIn(raw);
    if (raw !== null && !(written && strict)) {
      if (written) setErrors({});
      return written;
    }
    const { values, errors: wrong } = argumentsFrom(fields, written ? textsOf(fields, written) : texts);
    if (Object.keys(wrong).length) return refuse(written ? { "": Object.entries(wrong).map(([name, why]) => `${name}: ${why}`).join(" ") } : wrong);
    setErrors({});
    return written || values;
  };
  const turn = () => {
    if (raw === null) {
      const { values, errors: wrong } = argumentsFrom(fields, texts);
      // What can't be read would be gone from the JSON.
      const unread = Object.entries(wrong).filter(([name]) => own(texts, name));
      if (unread.length) return refuse(Object.fromEntries(unread));
      setRaw(formatJson(values, 2));
    } else {
      const written = objectIn(raw);
      if (!written) return;
      setTexts(textsOf(fields, written));
      setRaw(null);
    }
    setErrors({});
  };
  /** Puts other values in place of what is there. @param {any} values */
  const take = (values) => {
    setErrors({});
    if (raw !== null) setRaw(formatJson(values, 2));
    else setTexts(textsOf(fields, values));
  };
  const change = (/** @type {string} */ name, /** @type {string} */ text) => setTexts((now) => ({ ...now, [name]: text }));
  return { form, fields, texts, raw, errors, change, setRaw, read, turn, take };
}

/** @param {{either: ReturnType<typeof useEither>, prefix: string, id: string, label: string, titled?: boolean}} props `id` and `label` are those of the JSON */
export function Either({ either, prefix, id, label, titled }) {
  const { fields, texts, raw, errors, change, setRaw } = either;
  if (raw === null) return html`<${SchemaForm} titled=${titled} prefix=${prefix} fields=${fields} texts=${texts} errors=${errors} change=${change} />`;
  return html`<div class="field"><label for=${id}>${label}<span class="type">JSON</span></label>
    <textarea class="input mono" id=${id} rows=${fields.length ? 8 : 2} spellcheck="false" value=${raw} aria-invalid=${errors[""] ? "true" : undefined} aria-describedby=${errors[""] ? `${id}-error` : undefined}
      onInput=${(/** @type {any} */ event) => setRaw(event.target.value)}></textarea>
    ${errors[""] && html`<${FieldError} text=${errors[""]} id=${`${id}-error`} />`}</div>`;
}

/** From the fields to JSON and back. @param {{either: ReturnType<typeof useEither>}} props */
export function Turn({ either }) {
  return either.fields.length > 0 && html`<button class="btn quiet" type="button" onClick=${either.turn}>${t(either.raw === null ? "tools.as_json" : "tools.as_form")}</button>`;
}
