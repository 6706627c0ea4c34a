// The fields of a tool's JSON Schema, each with the control that fits it.
import { html } from "../vendor/preact.js";
import { t } from "../i18n.js";
import { formatJson, parseJson } from "../json.js";
import { Labelled, describedBy } from "./labelled.js";
import { Select } from "./select.js";
import { own } from "./words.js";

/**
 * @param {{fields: import("./schema_values.js").SchemaField[], texts: Record<string, string>, errors: Record<string, string>, change: (name: string, text: string) => void, prefix: string, fixed?: string[], titled?: boolean}} props
 * `texts` is what stands in the controls, "" for nothing; `fixed` can't be changed here; `titled`: the fields are called as their schema says, not by name
 */
export function SchemaForm({ fields, texts, errors, change, prefix, fixed = [], titled = false }) {
  return fields.map((field, at) => {
    const id = `${prefix}-${at}`;
    const text = own(texts, field.name) ?? "";
    const error = own(errors, field.name);
    const set = (/** @type {any} */ event) => change(field.name, event.target.value);
    const common = {
      id, onInput: set, disabled: fixed.includes(field.name), "aria-invalid": error ? "true" : undefined,
      "aria-describedby": describedBy(id, field.help, error), "aria-required": field.need ? "true" : undefined,
    };
    return html`<${Labelled} key=${field.name} id=${id} label=${(titled && field.schema?.title) || field.name} need=${field.need} type=${field.type} help=${field.help} error=${error}>
      <${Control} field=${field} text=${text} common=${common} />
    <//>`;
  });
}

/** @param {{field: import("./schema_values.js").SchemaField, text: string, common: any}} props */
function Control({ field, text, common }) {
  if (field.kind === "choice" || field.kind === "boolean") {
    const choices = field.kind === "boolean" ? [true, false] : field.choices;
    return html`<${Select} ...${common} onInput=${undefined} onChange=${common.onInput} value=${text}>
        <option value="">${nothingSaid(field)}</option>
        ${choices.map((/** @type {any} */ one, /** @type {number} */ at) => html`<option key=${formatJson(one)} value=${formatJson(one)}>${field.titles[at] || (typeof one === "string" ? one : formatJson(one))}</option>`)}
      <//>`;
  }
  if (field.kind === "several") return html`<${Several} field=${field} text=${text} common=${common} />`;
  if (field.kind === "lines" || field.kind === "json" || field.kind === "long") {
    const mono = field.kind === "json";
    return html`<textarea class=${`input ${mono ? "mono" : ""}`} rows=${mono ? 4 : 3} spellcheck=${!mono} value=${text}
      placeholder=${field.kind === "lines" ? t("schema.lines") : undefined} ...${common}></textarea>`;
  }
  if (field.kind === "secret") {
    return html`<input class="input" type="password" autocomplete="off" value=${text} placeholder=${field.nothing ? t("schema.secret_set") : undefined} ...${common} />`;
  }
  const number = field.kind === "number";
  return html`<input class=${`input ${number ? "num" : ""}`} type="text" inputmode=${number ? "decimal" : undefined} value=${text}
    placeholder=${field.nothing === undefined || field.nothing === null ? undefined : String(field.nothing)} autocomplete="off" ...${common} />`;
}

/** Ticks for a list of which each may be there or not; what none of them is stays untouched. @param {{field: import("./schema_values.js").SchemaField, text: string, common: any}} props */
function Several({ field, text, common }) {
  const { id, onInput, ...others } = common;
  /** @type {any[]} */
  let chosen = [];
  try {
    const found = parseJson(text || "[]");
    if (Array.isArray(found)) chosen = found;
  } catch {
    // Nothing is ticked.
  }
  const tick = (/** @type {any} */ one, /** @type {boolean} */ is) => {
    const next = is ? [...chosen, one] : chosen.filter((other) => other !== one);
    onInput({ target: { value: next.length ? formatJson(next) : "" } });
  };
  return html`<div class="ticks" role="group" aria-label=${field.name}>${field.choices.map((/** @type {any} */ one, /** @type {number} */ at) => html`<div class="check-row" key=${formatJson(one)}>
    <input type="checkbox" id=${at ? `${id}-${at}` : id} ...${others} aria-required=${undefined} checked=${chosen.includes(one)} onChange=${(/** @type {any} */ event) => tick(one, event.target.checked)} />
    <label for=${at ? `${id}-${at}` : id}>${field.titles[at] || String(one)}</label></div>`)}</div>`;
}

/** @param {import("./schema_values.js").SchemaField} field */
function nothingSaid(field) {
  const { nothing } = field;
  return nothing === undefined || nothing === null ? t("schema.not_said") : t("schema.default", { value: typeof nothing === "string" ? nothing : formatJson(nothing) });
}
