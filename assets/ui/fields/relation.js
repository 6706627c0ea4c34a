// A record of another model: shown and found by its title, kept as its number.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { may, modelNamed } from "../store.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { inSentence, titleOf } from "../widgets/words.js";
import { integer } from "./number.js";
import { common } from "./text.js";

const SHOWN = 8;
const PAUSE_MS = 180;

const ID = /^[1-9]\d{0,17}$/;
/** Types of titles that patterns can be looked for in. */
const WRITTEN = ["text", "long_text", "email", "url", "choice", "date", "datetime"];

/** @param {import("../types").Model} model @param {Record<string, string>} wanted @param {AbortSignal} signal @returns {Promise<import("../types").Row[]>} */
async function rows(model, wanted, signal) {
  const title = model.fields.find((field) => field.name === model.title_field);
  const query = new URLSearchParams({ limit: String(SHOWN), total: "false", sort: "-id", ...wanted });
  if (title) query.set("fields", `id,${title.name}`);
  return (await api.get(`/api/v1/${model.name}`, { signal, query })).data;
}

/** The record with an id, alone in a list or none. @param {import("../types").Model} model @param {string} id @param {AbortSignal} signal */
const numbered = async (model, id, signal) => ID.test(id) ? rows(model, { id }, signal) : [];

/** Records by what they are called; digits are also an id, whose record comes first. @param {import("../types").Model} model @param {string} text @param {AbortSignal} signal */
async function find(model, text, signal) {
  if (!text) return rows(model, {}, signal);
  const title = model.fields.find((field) => field.name === model.title_field);
  const called = title && WRITTEN.includes(title.type)
    ? rows(model, { [`${title.name}__ilike`]: `%${text.replace(/[%_\\]/g, "\\$&")}%` }, signal)
    : [];
  const [first, others] = await Promise.all([numbered(model, text, signal), called]);
  return [...first, ...others.filter((row) => row.id !== first[0]?.id)].slice(0, SHOWN);
}

/** @param {import("./text.js").InputProps} props */
function RelationInput(props) {
  const model = modelNamed(props.field.references || "");
  return model && may(model, "list") ? html`<${Combo} ...${props} model=${model} />` : html`<${integer.Input} ...${props} />`;
}

/** @param {import("./text.js").InputProps & {model: import("../types").Model}} props */
function Combo({ model, ...props }) {
  const { id, draft, set, changed, relate } = props;
  const [text, setText] = useState(/** @type {string|null} */ (null));
  const [chosen, setChosen] = useState("");
  const [found, setFound] = useState(/** @type {import("../types").Row[]} */ ([]));
  const [looked, setLooked] = useState(/** @type {string|null} */ (null));
  const [at, setAt] = useState(0);
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  const open = text !== null;
  // Files are uploaded, not written.
  const makes = relate && model.name !== "files" && may(model, "create");
  const count = found.length + (makes ? 1 : 0);
  // Before it is known that there is none to choose, Enter makes none.
  const ready = looked === text;
  // Enter that came before what was looked for: it takes the first that is found.
  const entered = useRef(false);
  useEffect(() => {
    const cancel = new AbortController();
    setChosen("");
    if (/^\d+$/.test(draft)) {
      numbered(model, draft, cancel.signal).then(([row]) => setChosen(row ? titleOf(model, row) : `${model.label} ${draft}`), () => {});
    }
    return () => cancel.abort();
  }, [draft]);
  useEffect(() => {
    if (text === null) return setLooked(null);
    const cancel = new AbortController();
    const look = () => find(model, text.trim(), cancel.signal).then((rows) => {
      setFound(rows);
      setLooked(text);
      setAt(0);
      if (entered.current && rows.length) choose(rows[0]);
      entered.current = false;
    }, () => {});
    const timer = setTimeout(look, text ? PAUSE_MS : 0);
    return () => {
      entered.current = false;
      clearTimeout(timer);
      cancel.abort();
    };
  }, [text]);
  const choose = (/** @type {import("../types").Row|undefined} */ row) => {
    if (row) set(String(row.id));
    setText(null);
  };
  const make = () => {
    relate?.(model, (text || "").trim());
    setText(null);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return setText("");
      setAt((now) => (now + (event.key === "ArrowDown" ? 1 : -1) + count) % Math.max(1, count));
    } else if (open && event.key === "Enter") {
      event.preventDefault();
      // What stands there still was looked for before.
      if (!ready) entered.current = text.trim() !== "";
      else if (makes && at === found.length) make();
      else choose(found[at]);
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      setText(null);
    }
  };
  const list = `${id}-list`;
  return html`<div class="combo">
    <span class=${`input ${changed ? "changed" : ""}`}>
      <${Icon} name="link" size=${16} />
      <input ...${common(props)} ref=${input} role="combobox" aria-autocomplete="list" aria-expanded=${open} aria-controls=${list} spellcheck="false"
        aria-activedescendant=${open && at < count && (found[at] || ready) ? `${list}-${found[at]?.id ?? "new"}` : undefined} placeholder=${t("relation.find", { names: inSentence(model.label_plural) })}
        value=${text ?? (draft === "" ? "" : chosen || draft)} onKeyDown=${onKey} onClick=${() => !open && setText("")}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)} onBlur=${() => setText(null)} />
      ${draft !== "" && !props.field.required && html`<button class="btn only quiet dense" type="button" aria-label=${t("relation.clear")} title=${t("relation.clear")} onClick=${() => {
        set("");
        input.current?.focus();
      }}><${Icon} name="close" /></button>`}
    </span>
    <ul class="options" id=${list} role="listbox" aria-label=${model.label_plural} hidden=${!open}>
      ${found.map((row, index) => html`<li key=${row.id} id=${`${list}-${row.id}`} role="option" aria-selected=${index === at ? "true" : "false"}
        onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${() => choose(row)}>
        <span class="clip grow">${titleOf(model, row)}</span><span class="mono muted tiny">${row.id}</span></li>`)}
      ${!found.length && html`<li class="muted" role="option" aria-disabled="true" aria-selected="false">${t("relation.none")}</li>`}
      ${makes && html`<li key="new" class="make" id=${`${list}-new`} role="option" aria-selected=${ready && at === found.length ? "true" : "false"}
        onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${make}>
        <${Icon} name="plus" size=${16} /><span class="clip grow">${t(text?.trim() ? "relation.new_called" : "relation.new", { name: inSentence(model.label), title: (text || "").trim() })}</span></li>`}
    </ul>
  </div>`;
}

/** One that can't be changed, by its title. @param {{field: import("../types").Field, value: number}} props */
export function Named({ field, value }) {
  const model = modelNamed(field.references || "");
  const [about, setAbout] = useState(/** @type {import("../types").Row|undefined} */ (undefined));
  useEffect(() => {
    const cancel = new AbortController();
    if (model && may(model, "list")) numbered(model, String(value), cancel.signal).then(([row]) => setAbout(row), () => {});
    return () => cancel.abort();
  }, [value]);
  return relation.cell(value, field, about);
}

/** @type {import("./text.js").FieldType} */
export const relation = {
  ...integer,
  column: "c-rel",
  icon: "link",
  end: false,
  cell: (value, field, about) => {
    const model = modelNamed(field.references || "");
    if (!model || !may(model, "read")) return html`<span class="mono">${String(value)}</span>`;
    const title = about ? titleOf(model, about) : `${model.label} ${value}`;
    return html`<a class="rel" href=${href(`/data/${model.name}`, { record: String(value) })} title=${title}><span class="clip">${title}</span></a>`;
  },
  Input: RelationInput,
};
