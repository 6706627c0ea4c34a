// Full text, and filters in the words of the API: `priority__gte=3`. Each is a chip; what stands here stands in the request.
import { typeOf } from "../fields/index.js";
import { Unreadable } from "../fields/text.js";
import { t } from "../i18n.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { PlacedMenu } from "../widgets/menu.js";
import { Select } from "../widgets/select.js";
import { sentence } from "../widgets/trouble.js";
import { inSentence, own } from "../widgets/words.js";
import { ColumnMenu } from "./data_columns.js";
import { Views } from "./data_views.js";

const PAUSE_MS = 300;

/** @type {Record<string, string>} */
const SIGNS = { ne: "≠", lt: "<", lte: "≤", gt: ">", gte: "≥", in: "in", not_in: "not in", like: "like", ilike: "ilike", is_null: "is null" };
/** @type {Record<string, string[]>} */
const SUGGESTED = { text: ["ilike"], long_text: ["ilike"], integer: ["gte", "lte"], number: ["gte", "lte"], datetime: ["gte", "lte"], date: ["gte", "lte"] };

const WORDS = ["ilike", "eq", "ne", "is_null", "filled"];
const ORDERED = ["eq", "gte", "lte", "ne", "is_null", "filled"];
/** @type {Record<string, string[]>} the conditions of each type of field, the likeliest first */
const CONDITIONS = {
  text: WORDS, long_text: WORDS, email: WORDS, url: WORDS, integer: ORDERED, number: ORDERED, date: ["gte", "lte", "eq", "ne", "is_null", "filled"],
  datetime: ["gte", "lte", "is_null", "filled"], choice: ["eq", "ne", "is_null", "filled"], boolean: ["eq"], relation: ["eq", "ne", "is_null", "filled"], file: ["filled", "is_null"],
};

/**
 * @param {{model: import("../types").Model, query: URLSearchParams, onFilter: (where: string[]) => void, error: any, waiting: number,
 *   move: (changes: Record<string, string|null>, replace?: boolean) => void, reload: () => void}} props
 */
export function FilterBar({ model, query, onFilter: onChange, error, move, waiting, reload }) {
  const where = query.getAll("where");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const add = (/** @type {Event} */ event) => {
    event.preventDefault();
    const parts = text.trim().replace(/^\?/, "").split("&").filter(Boolean);
    if (!parts.length) return;
    if (parts.some((part) => part.indexOf("=") < 1)) {
      setProblem(t("filter.shape"));
      return;
    }
    setProblem("");
    setText("");
    onChange([...where, ...parts.filter((part) => !where.includes(part))]);
  };
  const refused = error?.status === 422 ? Object.values(error.fields)[0]?.message || sentence(error) : "";
  const said = problem || refused;
  return html`<div class="bar">
      ${model.searchable.length > 0 && html`<${SearchBox} model=${model} query=${query} move=${move} />`}
      <form class="filter" role="search" onSubmit=${add}>
        <${Icon} name="filter" />
        ${where.map((one, at) => html`<${Chip} key=${one} text=${one} remove=${() => onChange(where.filter((_other, index) => index !== at))} />`)}
        <input value=${text} placeholder=${t("filter.placeholder", { example: example(model) })} aria-label=${t("filter.label")}
          list="filter-fields" autocapitalize="none" autocomplete="off" spellcheck="false"
          aria-invalid=${said ? "true" : undefined} aria-describedby=${said ? "filter-error" : undefined}
          onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
        <datalist id="filter-fields">${suggestions(model).map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>
      </form>
      <${FilterMenu} model=${model} add=${(/** @type {string} */ one) => !where.includes(one) && onChange([...where, one])} />
      ${waiting !== 0 && html`<button class="new-rows" type="button" onClick=${reload}><${Icon} name="arrow-up" />
        ${waiting > 0 ? t("data.new_rows", { n: waiting }) : t("data.new_rows_many")}</button>`}
      <${Views} model=${model} query=${query} />
      <${ColumnMenu} model=${model} query=${query} move=${move} />
      <p class="vh" role="status">${waiting !== 0 && (waiting > 0 ? t("data.new_rows", { n: waiting }) : t("data.new_rows_many"))}</p>
    </div>
    ${said && html`<div class="bar-error field"><${FieldError} id="filter-error" text=${said} /></div>`}`;
}

/** @param {{model: import("../types").Model, query: URLSearchParams, move: (changes: Record<string, string|null>, replace?: boolean) => void}} props */
function SearchBox({ model, query, move }) {
  const asked = query.get("q") || "";
  const [text, setText] = useState(asked);
  const box = useRef(/** @type {HTMLInputElement|null} */ (null));
  const timer = useRef(0);
  const latest = useRef(move);
  latest.current = move;
  const ask = (/** @type {string} */ words) => latest.current({ q: words.trim() || null, offset: null }, Boolean(asked));
  useEffect(() => {
    if (document.activeElement !== box.current) setText(asked);
  }, [asked]);
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const typing = /** @type {HTMLElement} */ (event.target).closest("input, textarea, select, dialog, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      box.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      clearTimeout(timer.current);
    };
  }, []);
  const type = (/** @type {any} */ event) => {
    setText(event.target.value);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => ask(event.target.value), PAUSE_MS);
  };
  const label = t("search.label", { name: inSentence(model.label_plural) });
  return html`<form class="input search" role="search" aria-label=${label} onSubmit=${(/** @type {Event} */ event) => {
    event.preventDefault();
    clearTimeout(timer.current);
    ask(text);
  }}>
    <${Icon} name="search" size=${16} />
    <input ref=${box} type="search" value=${text} onInput=${type} aria-label=${label} placeholder=${t("search.placeholder")}
      title=${t("search.help", { fields: model.searchable.join(", ") })} autocomplete="off" spellcheck="false" />
    <kbd class="desk-only" aria-hidden="true">/</kbd>
  </form>`;
}

/** @param {{text: string, remove: () => void}} props */
function Chip({ text, remove }) {
  const at = text.indexOf("=");
  const name = text.slice(0, at);
  const cut = name.lastIndexOf("__");
  const sign = cut > 0 ? own(SIGNS, name.slice(cut + 2)) : "=";
  return html`<span class="chip" title=${text}>
    <span>${sign && cut > 0 ? `${name.slice(0, cut)} ${sign}` : `${name} =`}</span><b>${text.slice(at + 1)}</b>
    <button type="button" onClick=${remove} aria-label=${t("filter.remove", { text })}><${Icon} name="close" /></button>
  </span>`;
}

/** @param {import("../types").Model} model */
function suggestions(model) {
  return model.fields
    .filter((field) => !field.write_only)
    .flatMap((field) => [`${field.name}=`, ...(SUGGESTED[field.type] || []).map((op) => `${field.name}__${op}=`)]);
}

/** An example that fits the model. @param {import("../types").Model} model */
function example(model) {
  const number = model.fields.find((field) => field.type === "integer" && field.name !== "id" && !field.references);
  if (number) return `${number.name}__gte=3`;
  const flag = model.fields.find((field) => field.type === "boolean");
  return flag ? `${flag.name}=true` : "id__gte=3";
}

/** A filter without knowing the API's words: a field, a condition, a value; what comes out is the same chip. @param {{model: import("../types").Model, add: (where: string) => void}} props */
function FilterMenu({ model, add }) {
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
    <${Labelled} id="filter-field" label=${t("import.field")}><${Select} id="filter-field" value=${field.name} onChange=${choose}>
        ${fields.map((one) => html`<option key=${one.name} value=${one.name} selected=${one === field}>${one.label}</option>`)}
      <//><//>
    <${Labelled} id="filter-condition" label=${t("filter.condition")}><${Select} id="filter-condition" value=${condition} onChange=${(/** @type {any} */ event) => setCondition(event.target.value)}>
        ${CONDITIONS[field.type].map((one) => html`<option key=${one} value=${one} selected=${one === condition}>${t(`filter.is_${one}`)}</option>`)}
      <//><//>
    ${valued && html`<${Labelled} id="filter-value" label=${t("filter.value")}>
      ${field.type === "boolean"
        ? html`<${Select} id="filter-value" value=${draft} onChange=${(/** @type {any} */ event) => setDraft(event.target.value)}>
            ${["true", "false"].map((one) => html`<option key=${one} value=${one} selected=${one === draft}>${t(one === "true" ? "value.yes" : "value.no")}</option>`)}
          <//>`
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
