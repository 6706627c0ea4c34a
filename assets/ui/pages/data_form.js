// The form of one record, drawn from the model's fields. Only what was changed is sent.
import { PATIENCE_MS, api } from "../api.js";
import { typeOf } from "../fields/index.js";
import { Named } from "../fields/relation.js";
import { FieldInput } from "../fields/widgets.js";
import { Unreadable } from "../fields/text.js";
import { CLEARED } from "../fields/secret.js";
import { t } from "../i18n.js";
import { may, returned } from "../store.js";
import { removeRecords } from "../undo.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon } from "../widgets/icon.js";
import { later } from "../widgets/later.js";
import { Labelled, describedBy, withCode } from "../widgets/labelled.js";
import { sentence } from "../widgets/trouble.js";
import { inSentence, own } from "../widgets/words.js";
import { Choice, Gone, focusChoice } from "./data_clash.js";
import { useEdits } from "./data_edits.js";
import { Making } from "./data_once.js";
import { inCell } from "./data_table.js";

const NewRelated = later(() => import("./data_related.js").then((found) => found.NewRelated));

/** @param {import("../types").Model} model @param {boolean} isNew @param {boolean} writable */
function split(model, isNew, writable) {
  const open = (/** @type {import("../types").Field} */ field) => writable && !field.read_only && (isNew || !field.create_only);
  const asked = model.fields.filter(open);
  const kept = isNew ? [] : model.fields.filter((field) => !open(field) && !field.write_only);
  return { asked, kept };
}

/**
 * @param {{model: import("../types").Model, row: import("../types").Row, etag: string|null, isNew: boolean, writable: boolean, gone: boolean, hidden: boolean, within?: string, dirty: {current: boolean}, given?: import("../types").Row,
 *   reload: () => void, changed: () => void, saved: (row: import("../types").Row, isMade: boolean, another: boolean, typed: boolean) => void, removed: () => void, leave: () => void}} props
 * `gone`: nobody has the record any more, or it may no longer be seen; `changed` draws the rows anew; `within`: the id of the field of another form that a new one is made for; `given`: what a new one begins with; `typed`: since it was sent, more was; `removed` follows when the record is gone
 */
export function RecordForm({ model, row, etag, isNew, writable, gone, hidden, within, dirty, given, reload, changed, saved, removed, leave }) {
  const { asked, kept } = useMemo(() => split(model, isNew, writable), [model, isNew, writable]);
  const { blank, drafts, edited, unsent, clashes, set, mine, theirs, discard, sent } = useEdits(asked, row, isNew, given);
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const [making] = useState(() => new Making());
  const known = useRef(etag);
  const [overtaken, setOvertaken] = useState(false);
  const [relating, setRelating] = useState(/** @type {{field: import("../types").Field, model: import("../types").Model, title: string}|null} */ (null));
  const idOf = (/** @type {string} */ name) => `${within ? `in-${within}` : "field"}-${name}`;
  const focusField = (/** @type {string} */ name) => requestAnimationFrame(() => document.getElementById(idOf(name))?.focus());
  dirty.current = unsent;
  useEffect(() => {
    if (known.current !== etag) setOvertaken(dirty.current);
    known.current = etag;
  }, [etag]);
  useEffect(() => {
    if (!edited.length) setOvertaken(false);
  }, [edited.length]);

  /** What was wrong with a field is no longer true of what is typed now. @param {string} name @param {any} draft */
  const change = (name, draft) => {
    set(name, draft);
    setErrors(({ [name]: _old, ...others }) => others);
  };
  const save = async (/** @type {Event|undefined} */ event, another = false) => {
    event?.preventDefault();
    if (busy || gone || !(isNew || edited.length)) return;
    setProblem(null);
    if (clashes.length) return focusChoice(clashes[0]);
    const { values, found } = read(asked, edited, drafts, isNew);
    setErrors(found);
    if (Object.keys(found).length) return focusField(Object.keys(found)[0]);
    const only = etag ? { "if-match": etag } : undefined;
    await send(() => (isNew ? making.send(model, values) : api.patch(`/api/v1/${model.name}/${row.id}`, values, { headers: only, patience: PATIENCE_MS })), isNew, another);
  };
  /** What was typed, with what the record held besides, as a record of its own. */
  const makeAnew = async () => {
    const fields = split(model, true, true).asked;
    const all = Object.fromEntries(fields.map((field) => [field.name, Object.hasOwn(drafts, field.name) ? drafts[field.name] : typeOf(field).toDraft(row[field.name])]));
    const { values, found } = read(fields, fields.filter((field) => all[field.name] !== typeOf(field).toDraft(null)), all, true);
    setErrors(found);
    if (Object.keys(found).length) return focusField(Object.keys(found)[0]);
    await send(() => making.send(model, values), true);
  };
  /** @param {() => Promise<{data: import("../types").Row, etag?: string|null}>} act @param {boolean} isMade @param {boolean} [another] */
  const send = async (act, isMade, another = false) => {
    setBusy(true);
    try {
      const { data, etag: now } = await act();
      // The version that comes next is one's own, whatever was typed meanwhile.
      known.current = now ?? known.current;
      const typed = sent(data);
      setOvertaken(false);
      saved(data, isMade, another, typed);
    } catch (/** @type {any} */ error) {
      // Somebody was faster, or took it away: what is true now is loaded, and said once it is there.
      if (!isMade && (error.status === 412 || error.status === 404)) reload();
      if (isMade || error.status !== 412) refuse(error);
    }
    setBusy(false);
  };
  /** @param {any} error */
  const refuse = (error) => {
    const named = asked.filter((field) => own(error.fields, field.name));
    setErrors(Object.fromEntries(named.map((field) => [field.name, error.fields[field.name].message])));
    if (named.length) focusField(named[0].name);
    else setProblem(error);
  };
  const [, once] = useBusy();
  const remove = () => once(async () => {
    if (await removeRecords(model, `id=${row.id}`, 1, { after: changed })) removed();
  });
  useEffect(() => {
    if (problem?.code === "away") setProblem(null);
  }, [returned.value]);
  const latest = useRef(/** @type {typeof save|undefined} */ (save));
  latest.current = relating ? undefined : save;
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "s") return;
      event.preventDefault();
      latest.current?.(undefined);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return html`<form class="record" onSubmit=${save} novalidate hidden=${hidden}>
    <div class="scroll" id=${hidden || within ? undefined : "record-part"} role=${isNew ? undefined : "tabpanel"} aria-label=${isNew ? undefined : t("form.tab_fields")}><div class="form">
      ${gone ? html`<${Gone} typed=${edited.length > 0} make=${may(model, "create") && makeAnew} busy=${busy} />`
        : overtaken && edited.length > 0 && html`<div class="note warn" role="alert"><${Icon} name="alert" /><span>${t(clashes.length ? "form.clash" : "form.overtaken")}</span></div>`}
      ${problem && !(gone && problem.status === 404) && html`<${Refused} problem=${problem} />`}
      ${asked.map((field) => html`<${FormField}
        key=${field.name} id=${idOf(field.name)} field=${field} relate=${(/** @type {import("../types").Model} */ other, /** @type {string} */ title) => setRelating({ field, model: other, title })} draft=${drafts[field.name]} set=${(/** @type {any} */ draft) => change(field.name, draft)} isNew=${isNew}
        changed=${!isNew && edited.includes(field)} before=${row[field.name]} error=${own(errors, field.name)}
      />${clashes.includes(field.name) && html`<${Choice} key=${`${field.name}/choice`} field=${field} value=${blank[field.name]} mine=${() => mine(field.name)} theirs=${() => theirs(field.name)} />`}`)}
      ${kept.length > 0 && html`<section class="kept" aria-label=${t("form.kept")}>
        <h3>${asked.length ? t("form.kept") : t("form.read_only")}</h3>
        <dl>${kept.map((field) => html`<div key=${field.name}><dt>${field.label}</dt><dd>${field.references && row[field.name] ? html`<${Named} field=${field} value=${row[field.name]} />` : inCell(field, row[field.name])}</dd></div>`)}</dl>
      </section>`}
    </div></div>
    <footer>
      ${asked.length > 0 && html`<button class="btn primary" type="submit" disabled=${busy || gone || (!isNew && !edited.length)}>
        ${isNew ? t("data.add", { name: inSentence(model.label) }) : edited.length ? t("form.save", { n: edited.length }) : t("form.save_none")}
      </button>`}
      ${isNew && !within && html`<button class="btn" type="button" disabled=${busy} onClick=${() => save(undefined, true)}>${t("form.another")}</button>`}
      ${(isNew || edited.length > 0) && html`<button class=${`btn quiet ${isNew && !within ? "desk-only" : ""}`} type="button" onClick=${isNew ? leave : discard}>${isNew ? t("do.cancel") : t("form.discard")}</button>`}
      <span class="grow"></span>
      ${!isNew && !gone && may(model, "delete") && html`<button class="btn danger quiet" type="button" onClick=${remove}><${Icon} name="trash" />${t("data.delete", { n: 1, name: inSentence(model.label) })}</button>`}
    </footer>
  </form>
  ${relating && html`<${NewRelated} model=${relating.model} title=${relating.title} within=${idOf(relating.field.name)} close=${() => setRelating(null)}
    made=${(/** @type {import("../types").Row} */ one) => change(relating.field.name, String(one.id))} />`}`;
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

/** @param {{problem: any}} props */
function Refused({ problem }) {
  const named = Object.entries(problem.fields || {}).map(([name, about]) => `${name}: ${/** @type {any} */ (about).message}`);
  return html`<div class="note bad" role="alert">
    <${Icon} name="alert" />
    <div class="stack">
      <span>${sentence(problem)}${named.length > 0 && ` (${named.join("; ")})`}</span>
      ${problem.requestId && html`<span class="tiny">${t("error.id")} <code>${problem.requestId}</code></span>`}
    </div>
  </div>`;
}

/** @param {any} props */
function FormField({ id, field, relate, draft, set, isNew, changed, before, error }) {
  const was = changed && !field.write_only && before !== null && before !== undefined && before !== "" && field.type !== "file" && typeof before !== "object" && typeof before !== "boolean"
    ? t("form.was", { value: String(before).slice(0, 80) }) : null;
  const control = html`<${FieldInput} id=${id} field=${field} relate=${relate} draft=${draft} set=${set} isNew=${isNew} changed=${changed}
    invalid=${Boolean(error)} describedBy=${describedBy(id, field.help, error)} />`;
  if (field.type === "boolean" && !field.write_only) {
    return html`<div class="field"><div class="check-row">${control}<label for=${id}>${field.label}</label></div>
      ${field.help && html`<p class="help" id=${`${id}-help`}>${withCode(field.help)}</p>`}
      ${error && html`<p class="error" id=${`${id}-error`} role="alert">${error}</p>`}
    </div>`;
  }
  const kind = ["json", "integer", "number"].includes(field.type) ? field.type : undefined;
  return html`<${Labelled} id=${id} label=${field.label} need=${field.required && (isNew || !field.write_only)} type=${kind} help=${field.help} was=${was} error=${error}>${control}<//>`;
}
