// A filter without knowing the API's words: a field, a condition, a value; what comes out is the same chip.
import { typeOf } from "../fields/index.js";
import { Unreadable } from "../fields/text.js";
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { PlacedMenu } from "../widgets/menu.js";

const WORDS = ["ilike", "eq", "ne", "is_null", "filled"];
const ORDERED = ["eq", "gte", "lte", "ne", "is_null", "filled"];
/** @type {Record<string, string[]>} the conditions of each type of field, the likeliest first */
const CONDITIONS = {
  text: WORDS, long_text: WORDS, email: WORDS, url: WORDS, integer: ORDERED, number: ORDERED, date: ["gte", "lte", "eq", "ne", "is_null", "filled"],
  datetime: ["gte", "lte", "is_null", "filled"], choice: ["eq", "ne", "is_null", "filled"], boolean: ["eq"], relation: ["eq", "ne", "is_null", "filled"], file: ["filled", "is_null"],
};

/** @param {{model: import("../types").Model, add: (where: string) => void}} props */
export function FilterMenu({ model, add }) {
  return html`<${PlacedMenu} id="filter-menu" label=${t("filter.build")} className="btn only" button=${html`<${Icon} name="plus" />`} stays>
    <${Builder} key=${model.name} model=${model} add=${add} />
  <//>`;
}

/** @param {{model: import("../types").Model, add: (where: string) => void}} props */
function Builder({ model, add }) {
  const fields = model.fields.filter((field) => !field.write_only && CONDITIONS[field.type]);
  const [field, setField] = useState(fields.find((one) => one.name === model.title_field) || fields[0]);
  const [condition, setCondition] = useState(CONDITIONS[field.type][0]);
  const [draft, setDraft] = useState("");
  const [error, setError] = useState("");
  const type = typeOf(field);
  const valued = !["is_null", "filled"].includes(condition);
  const choose = (/** @type {any} */ event) => {
    const next = fields.find((one) => one.name === event.target.value) || fields[0];
    setField(next);
    setCondition(CONDITIONS[next.type][0]);
    setDraft(next.type === "boolean" ? "true" : "");
    setError("");
  };
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    setError("");
    try {
      add(written(field, condition, draft));
    } catch (problem) {
      if (!(problem instanceof Unreadable)) throw problem;
      return setError(t(problem.message));
    }
    setDraft(field.type === "boolean" ? "true" : "");
    event.target.closest("[popover]").hidePopover();
  };
  const plain = { ...field, required: false, read_only: false, label: t("filter.value") };
  return html`<form class="form builder" onSubmit=${submit} novalidate>
    <${Labelled} id="filter-field" label=${t("import.field")}><span class="select">
      <select class="input" id="filter-field" value=${field.name} onChange=${choose}>
        ${fields.map((one) => html`<option key=${one.name} value=${one.name} selected=${one === field}>${one.label}</option>`)}
      </select><${Icon} name="down" /></span><//>
    <${Labelled} id="filter-condition" label=${t("filter.condition")}><span class="select">
      <select class="input" id="filter-condition" value=${condition} onChange=${(/** @type {any} */ event) => setCondition(event.target.value)}>
        ${CONDITIONS[field.type].map((one) => html`<option key=${one} value=${one} selected=${one === condition}>${t(`filter.is_${one}`)}</option>`)}
      </select><${Icon} name="down" /></span><//>
    ${valued && html`<${Labelled} id="filter-value" label=${t("filter.value")}>
      ${field.type === "boolean"
        ? html`<span class="select"><select class="input" id="filter-value" value=${draft} onChange=${(/** @type {any} */ event) => setDraft(event.target.value)}>
            ${["true", "false"].map((one) => html`<option key=${one} value=${one} selected=${one === draft}>${t(one === "true" ? "value.yes" : "value.no")}</option>`)}
          </select><${Icon} name="down" /></span>`
        : html`<${field.type === "long_text" ? typeOf({ ...field, type: "text" }).Input : type.Input} key=${field.name} id="filter-value" field=${plain} draft=${draft} set=${setDraft} isNew=${true} changed=${false} invalid=${Boolean(error)} />`}
    <//>`}
    ${error && html`<div class="field"><${FieldError} text=${error} /></div>`}
    <footer><button class="btn" type="submit" disabled=${valued && draft === ""}>${t("filter.add")}</button></footer>
  </form>`;
}

/** The filter in the words of the API. @param {import("../types").Field} field @param {string} condition @param {any} draft @throws {Unreadable} */
function written(field, condition, draft) {
  if (condition === "is_null") return `${field.name}__is_null=true`;
  if (condition === "filled") return `${field.name}__is_null=false`;
  const value = field.type === "boolean" ? draft : String(typeOf(field).fromDraft(draft, field) ?? "");
  if (condition === "ilike") return `${field.name}__ilike=%${value.replace(/[%_\\]/g, "\\$&")}%`;
  return condition === "eq" ? `${field.name}=${value}` : `${field.name}__${condition}=${value}`;
}
