// Changing a record where it stands: one cell of the grid becomes its input. Drawn at once, taken back if it is refused.
import { PATIENCE_MS, api } from "../api.js";
import { typeOf } from "../fields/index.js";
import { Unreadable } from "../fields/text.js";
import { t } from "../i18n.js";
import { may } from "../store.js";
import { sayChanged } from "../undo.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { FieldError } from "../widgets/labelled.js";
import { sentence } from "../widgets/trouble.js";
import { titleOf } from "../widgets/words.js";

/** Types whose input fits into a line; the others have the drawer. */
const SHORT = ["text", "integer", "number", "date", "datetime", "choice", "tags", "email", "url", "boolean"];

/** @typedef {{id: number, name: string, draft: any, base: any, error: string}} Editing `base`: the draft of what stood there when it began */

/** @param {import("../types").Model} model @param {import("../types").Field} field */
export function editableInPlace(model, field) {
  return may(model, "update") && !field.read_only && !field.create_only && !field.write_only && SHORT.includes(field.type);
}

/**
 * @param {import("../types").Model} model @param {import("../types").Row[]} rows @param {(row: import("../types").Row) => void} put draws a row anew
 */
export function useEditing(model, rows, put) {
  const [editing, setEditing] = useState(/** @type {Editing|null} */ (null));
  // What was refused while another cell was typed into: its input follows when that one is done.
  const later = useRef(/** @type {Editing[]} */ ([]));
  useEffect(() => {
    if (!editing && later.current.length) setEditing(/** @type {Editing} */ (later.current.shift()));
  }, [editing]);
  const rowOf = (/** @type {number} */ id) => rows.find((row) => row.id === id);
  /** @param {number} id @param {import("../types").Field} field */
  const begin = (id, field) => {
    const row = rowOf(id);
    if (!row || !editableInPlace(model, field)) return;
    const draft = typeOf(field).toDraft(row[field.name]);
    setEditing({ id, name: field.name, draft, base: draft, error: "" });
  };
  /** The input again, with what was typed and why it stands there. @param {number} id @param {import("../types").Field} field @param {any} draft @param {any} base @param {string} error */
  const again = (id, field, draft, base, error) => {
    const refused = { id, name: field.name, draft, base, error };
    setEditing((now) => {
      if (!now || (now.id === id && now.name === field.name)) return refused;
      later.current.push(refused);
      return now;
    });
  };
  /**
   * @param {import("../types").Field} field @param {any} draft @param {number} id @returns {boolean} whether the input may go
   */
  const save = (id, field, draft) => {
    const { toDraft, fromDraft } = typeOf(field);
    const before = rowOf(id);
    if (!before) return true;
    const base = editing?.id === id && editing.name === field.name ? editing.base : toDraft(before[field.name]);
    let value;
    try {
      value = fromDraft(draft, field);
    } catch (problem) {
      again(id, field, draft, base, problem instanceof Unreadable ? t(problem.message) : sentence(problem));
      return false;
    }
    setEditing((now) => (now?.id === id && now.name === field.name ? null : now));
    if (draft === base || draft === toDraft(before[field.name])) return true;
    put({ ...before, [field.name]: value });
    changeCell(model, id, field, value, base).then(
      ({ row, overtaken }) => {
        put({ ...before, ...row });
        const now = toDraft(row[field.name]);
        if (overtaken) again(id, field, draft, now, now === "" ? t("cell.theirs_empty") : t("cell.theirs", { value: now }));
        else sayChanged(model, row, t("cell.saved", { field: field.label, title: titleOf(model, row) }));
      },
      (problem) => {
        put(before);
        again(id, field, draft, base, problem.status === 404 ? t("cell.gone") : problem.fields?.[field.name]?.message || sentence(problem));
      },
    );
    return true;
  };
  return { editing, begin, save, stop: () => setEditing(null) };
}

/** How often somebody else may be faster, with other fields of the record, before it is said. */
const ATTEMPTS = 5;

/**
 * Changes one field of a record as long as it holds what was seen there; what others write into its other fields is no hindrance.
 * @param {import("../types").Model} model @param {number} id @param {import("../types").Field} field @param {any} value @param {any} base the draft of what was seen
 * @returns {Promise<{row: import("../types").Row, overtaken: boolean}>} `overtaken`: nothing was changed, `row` holds what somebody else wrote
 */
async function changeCell(model, id, field, value, base) {
  const path = `/api/v1/${model.name}/${id}`;
  for (let attempt = 1; ; attempt += 1) {
    const { data: row, etag } = await api.get(path);
    if (typeOf(field).toDraft(row[field.name]) !== base) return { row, overtaken: true };
    try {
      const { data } = await api.patch(path, { [field.name]: value }, { headers: etag ? { "if-match": etag } : {}, patience: PATIENCE_MS });
      return { row: data, overtaken: false };
    } catch (/** @type {any} */ problem) {
      if (problem.status !== 412 || attempt === ATTEMPTS) throw problem;
    }
  }
}

/**
 * The input in place of a cell's value.
 * @param {{field: import("../types").Field, editing: Editing, save: (draft: any) => boolean, stop: () => void, leave: (where: "stay"|"down"|"next"|"before") => void}} props
 */
export function CellInput({ field, editing, save, stop, leave }) {
  const [draft, setDraft] = useState(editing.draft);
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const left = useRef(false);
  const id = `cell-${editing.id}-${field.name}`;
  useEffect(() => {
    const input = /** @type {HTMLInputElement|null} */ (box.current?.querySelector("input, select, textarea"));
    input?.focus();
    if (input?.type === "text" || input?.type === "email" || input?.type === "url") input.select();
  }, [editing.error]);
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const where = event.key === "Enter" ? "down" : event.key === "Tab" ? (event.shiftKey ? "before" : "next") : null;
    event.stopPropagation();
    if (event.isComposing || (event.key !== "Escape" && !where)) return;
    event.preventDefault();
    left.current = true;
    if (event.key === "Escape") {
      stop();
      leave("stay");
    } else if (save(draft)) leave(/** @type {"down"|"next"|"before"} */ (where));
    else left.current = false;
  };
  // A click elsewhere keeps what was typed; who looks into another window is not done yet, and has the focus here still.
  const onBlur = (/** @type {FocusEvent} */ event) => {
    if (!left.current && document.activeElement !== event.target && !box.current?.contains(/** @type {Node} */ (event.relatedTarget))) save(draft);
  };
  const { Input } = typeOf(field);
  return html`<div class="cell-input" ref=${box} onKeyDown=${onKey} onFocusOut=${onBlur}>
    <label class="vh" for=${id}>${field.label}</label>
    <${Input} id=${id} field=${field} draft=${draft} set=${setDraft} isNew=${false} changed=${false} invalid=${Boolean(editing.error)} describedBy=${editing.error ? `${id}-error` : undefined} />
    ${editing.error && html`<${FieldError} id=${`${id}-error`} text=${editing.error} />`}
  </div>`;
}
