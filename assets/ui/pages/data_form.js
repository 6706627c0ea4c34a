// The form of one record, drawn from the model's fields. Only what was changed is sent.
import { api } from "../api.js";
import { typeOf } from "../fields/index.js";
import { Named } from "../fields/relation.js";
import { FieldInput } from "../fields/widgets.js";
import { Unreadable } from "../fields/text.js";
import { CLEARED } from "../fields/secret.js";
import { t } from "../i18n.js";
import { may } from "../store.js";
import { removeRecords } from "../undo.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Labelled, describedBy } from "../widgets/labelled.js";
import { sentence } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { inCell } from "./data_table.js";

/** @param {import("../types").Model} model @param {boolean} isNew @param {boolean} writable */
function split(model, isNew, writable) {
  const open = (/** @type {import("../types").Field} */ field) => writable && !field.read_only && (isNew || !field.create_only);
  const asked = model.fields.filter(open);
  const kept = isNew ? [] : model.fields.filter((field) => !open(field) && !field.write_only);
  return { asked, kept };
}

/**
 * @param {{model: import("../types").Model, row: import("../types").Row, etag: string|null, isNew: boolean, writable: boolean, hidden: boolean, dirty: {current: boolean},
 *   mine: {current: Record<string, any>}, reload: () => void, changed: () => void, saved: (row: import("../types").Row) => void, removed: () => void, leave: () => void}} props
 * `changed` draws the rows anew; `removed` follows when the record is gone; `mine` is what was typed into the form of an older version
 */
export function RecordForm({ model, row, etag, isNew, writable, hidden, dirty, mine, reload, changed, saved, removed, leave }) {
  const { asked, kept } = useMemo(() => split(model, isNew, writable), [model, isNew, writable]);
  const blank = useMemo(
    () => Object.fromEntries(asked.map((field) => [field.name, typeOf(field).toDraft(isNew ? field.default : row[field.name])])),
    [row, asked],
  );
  const [drafts, setDrafts] = useState(() => ({ ...blank, ...mine.current }));
  useEffect(() => { mine.current = {}; }, []);
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const edited = asked.filter((field) => drafts[field.name] !== blank[field.name]);
  dirty.current = edited.length > 0;

  const save = async (/** @type {Event|undefined} */ event) => {
    event?.preventDefault();
    if (busy || !(isNew || edited.length)) return;
    const { values, found } = read(asked, edited, drafts, isNew);
    setErrors(found);
    setProblem(null);
    if (Object.keys(found).length) return focusField(Object.keys(found)[0]);
    setBusy(true);
    try {
      const path = `/api/v1/${model.name}`;
      const answer = isNew
        ? await api.post(path, values)
        : await api.patch(`${path}/${row.id}`, values, { headers: etag ? { "if-match": etag } : {} });
      saved(answer.data);
    } catch (error) {
      refuse(error);
    }
    setBusy(false);
  };
  /** @param {any} error */
  const refuse = (error) => {
    const named = asked.filter((field) => error.fields?.[field.name]);
    setErrors(Object.fromEntries(named.map((field) => [field.name, error.fields[field.name].message])));
    if (named.length) focusField(named[0].name);
    else setProblem(error);
  };
  const remove = async () => {
    if (await removeRecords(model, `id=${row.id}`, 1, { after: changed })) removed();
  };
  const latest = useRef(save);
  latest.current = save;
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "s") return;
      event.preventDefault();
      latest.current(undefined);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const set = (/** @type {string} */ name) => (/** @type {any} */ draft) => setDrafts((now) => ({ ...now, [name]: draft }));
  return html`<form class="record" onSubmit=${save} novalidate hidden=${hidden}>
    <div class="scroll" id=${hidden ? undefined : "record-part"} role=${isNew ? undefined : "tabpanel"} aria-label=${isNew ? undefined : t("form.tab_fields")}><div class="form">
      ${problem && html`<${Refused} problem=${problem} reload=${() => {
        mine.current = Object.fromEntries(edited.map((field) => [field.name, drafts[field.name]]));
        reload();
      }} />`}
      ${asked.map((field) => html`<${FormField}
        key=${field.name} field=${field} draft=${drafts[field.name]} set=${set(field.name)} isNew=${isNew}
        changed=${!isNew && drafts[field.name] !== blank[field.name]} before=${row[field.name]} error=${errors[field.name]}
      />`)}
      ${kept.length > 0 && html`<section class="kept" aria-label=${t("form.kept")}>
        <h3>${asked.length ? t("form.kept") : t("form.read_only")}</h3>
        <dl>${kept.map((field) => html`<div key=${field.name}><dt>${field.label}</dt><dd>${field.references && row[field.name] ? html`<${Named} field=${field} value=${row[field.name]} />` : inCell(field, row[field.name])}</dd></div>`)}</dl>
      </section>`}
    </div></div>
    <footer>
      ${asked.length > 0 && html`<button class="btn primary" type="submit" disabled=${busy || (!isNew && !edited.length)}>
        ${isNew ? t("data.add", { name: inSentence(model.label) }) : edited.length ? t("form.save", { n: edited.length }) : t("form.save_none")}
      </button>`}
      ${(isNew || edited.length > 0) && html`<button class="btn quiet" type="button" onClick=${isNew ? leave : () => setDrafts(blank)}>${isNew ? t("do.cancel") : t("form.discard")}</button>`}
      <span class="grow"></span>
      ${!isNew && may(model, "delete") && html`<button class="btn danger quiet" type="button" onClick=${remove}><${Icon} name="trash" />${t("data.delete", { n: 1, name: inSentence(model.label) })}</button>`}
    </footer>
  </form>`;
}

/** The values to send, and what stands in their way. */
function read(/** @type {import("../types").Field[]} */ asked, /** @type {import("../types").Field[]} */ changed, /** @type {Record<string, any>} */ drafts, /** @type {boolean} */ isNew) {
  /** @type {Record<string, any>} */
  const values = {};
  /** @type {Record<string, string>} */
  const found = {};
  for (const field of asked) {
    const draft = drafts[field.name];
    const given = typeof draft === "string" ? draft.trim() !== "" : typeof draft !== "symbol";
    if (field.required && !given && (isNew || (changed.includes(field) && draft !== CLEARED))) {
      found[field.name] = t("field.needed");
      continue;
    }
    if (!changed.includes(field)) {
      if (isNew && field.required) values[field.name] = typeOf(field).fromDraft(draft, field);
      continue;
    }
    try {
      values[field.name] = typeOf(field).fromDraft(draft, field);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      found[field.name] = t(error.message);
    }
  }
  return { values, found };
}

/** @param {string} name */
function focusField(name) {
  requestAnimationFrame(() => document.getElementById(`field-${name}`)?.focus());
}

/** @param {{problem: any, reload: () => void}} props */
function Refused({ problem, reload }) {
  const stale = problem.status === 412;
  const named = Object.entries(problem.fields || {}).map(([name, about]) => `${name}: ${/** @type {any} */ (about).message}`);
  return html`<div class=${`note ${stale ? "warn" : "bad"}`} role="alert">
    <${Icon} name="alert" />
    <div class="stack">
      <span>${stale ? t("form.stale") : sentence(problem)}${named.length > 0 && ` (${named.join("; ")})`}</span>
      ${problem.requestId && !stale && html`<span class="tiny">${t("error.id")} <code>${problem.requestId}</code></span>`}
      ${stale && html`<div><button class="btn dense" type="button" onClick=${reload}><${Icon} name="refresh" />${t("form.load_new")}</button></div>`}
    </div>
  </div>`;
}

/** @param {any} props */
function FormField({ field, draft, set, isNew, changed, before, error }) {
  const id = `field-${field.name}`;
  const was = changed && !field.write_only && before !== null && before !== undefined && before !== "" && field.type !== "file" && typeof before !== "object" && typeof before !== "boolean"
    ? t("form.was", { value: String(before).slice(0, 80) }) : null;
  const control = html`<${FieldInput} id=${id} field=${field} draft=${draft} set=${set} isNew=${isNew} changed=${changed}
    invalid=${Boolean(error)} describedBy=${describedBy(id, field.help, error)} />`;
  if (field.type === "boolean" && !field.write_only) {
    return html`<div class="field"><div class="check-row">${control}<label for=${id}>${field.label}</label></div>
      ${field.help && html`<p class="help" id=${`${id}-help`}>${field.help}</p>`}
      ${error && html`<p class="error" id=${`${id}-error`} role="alert">${error}</p>`}
    </div>`;
  }
  const kind = ["json", "integer", "number"].includes(field.type) ? field.type : undefined;
  return html`<${Labelled} id=${id} label=${field.label} need=${field.required && (isNew || !field.write_only)} type=${kind} help=${field.help} was=${was} error=${error}>${control}<//>`;
}
