// Full text, and filters in the words of the API: `priority__gte=3`. Each is a chip; what stands here stands in the request.
import { t } from "../i18n.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { FieldError } from "../widgets/labelled.js";
import { sentence } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { ColumnMenu } from "./data_columns.js";
import { Views } from "./data_views.js";
import { FilterMenu } from "./data_filter_menu.js";

const PAUSE_MS = 300;

/** @type {Record<string, string>} */
const SIGNS = { ne: "≠", lt: "<", lte: "≤", gt: ">", gte: "≥", in: "in", not_in: "not in", like: "like", ilike: "ilike", is_null: "is null" };
/** @type {Record<string, string[]>} */
const SUGGESTED = { text: ["ilike"], long_text: ["ilike"], integer: ["gte", "lte"], number: ["gte", "lte"], datetime: ["gte", "lte"], date: ["gte", "lte"] };

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
  const sign = cut > 0 ? SIGNS[name.slice(cut + 2)] : "=";
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
