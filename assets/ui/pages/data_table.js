// The grid of a wide window. One tab stop per row title and check, arrows reach the other cells; headers sort.
import { iconOf, typeName, typeOf } from "../fields/index.js";
import { cellOf } from "../fields/widgets.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { html, useRef } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { titleOf } from "../widgets/words.js";
import { CellInput, editableInPlace, useEditing } from "./data_cell.js";
import { sortOf, turnedSort } from "./data_query.js";
import { cellAt, onGridKey, step } from "./data_steps.js";
import { columnWidths, useWidths } from "./data_widths.js";

const UNSORTED = ["json", "tags", "secret", "long_text", "bytes"];

/** @param {any} props see Rows */
export function Table({ model, rows, put, flashing, gone, columns, query, move, record, selected, setSelected, canPick }) {
  const sort = sortOf(query);
  const all = rows.length > 0 && rows.every((/** @type {any} */ row) => selected.has(row.id));
  const some = !all && rows.some((/** @type {any} */ row) => selected.has(row.id));
  const pickAll = () => setSelected(all ? new Set() : new Set(rows.map((/** @type {any} */ row) => row.id)));
  const fields = [columns.key, ...columns.rest];
  const editing = useEditing(model, rows, put);
  const { widths, drag, forget } = useWidths(model.name);
  const anchor = useRef(0);
  /** @param {number} id @param {MouseEvent} event with Shift all from the one before to this */
  const pick = (id, event) => {
    const ids = rows.map((/** @type {any} */ row) => row.id);
    const [from, to] = [ids.indexOf(anchor.current), ids.indexOf(id)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) setSelected(new Set([...selected, ...ids.slice(from, to + 1)]));
    else setSelected(toggled(selected, id));
    anchor.current = id;
  };
  /** @param {number} id @param {string} name */
  const edit = (id, name) => {
    const field = fields.find((one) => one.name === name);
    const row = rows.find((/** @type {any} */ one) => one.id === id);
    if (!field || !row || !editableInPlace(model, field)) return;
    if (field.type === "boolean") editing.save(id, field, !row[name]);
    else editing.begin(id, field);
  };
  /** @param {"stay"|"down"|"next"|"before"} where */
  const leave = (where) => {
    const { id, name } = editing.editing || { id: 0, name: "" };
    requestAnimationFrame(() => {
      const cell = cellAt(id, name);
      const [down, across] = { stay: [0, 0], down: [1, 0], next: [0, 1], before: [0, -1] }[where];
      if (cell && !step(cell, down, across)) cell.focus();
    });
  };
  const inPlace = { ...editing, edit, leave };
  const wide = columnWidths(fields, widths);
  const sized = (/** @type {any} */ field) => (/** @type {HTMLElement|null} */ col) => {
    if (col) col.style.inlineSize = `${wide.get(field.name)}px`;
  };
  return html`<table class=${`grid ${canPick ? "" : "no-pick"}`} aria-label=${model.label_plural} onKeyDown=${(/** @type {KeyboardEvent} */ event) => onGridKey(event, edit)}>
    <colgroup>
      ${canPick && html`<col class="c-pick" />`}
      ${fields.map((field) => html`<col key=${field.name} ref=${sized(field)} />`)}
      <col class="c-rest" />
    </colgroup>
    <thead><tr>
      ${canPick && html`<th class="pick" scope="col"><input class="check" type="checkbox" aria-label=${t("data.select_all")}
        checked=${all} indeterminate=${some} onChange=${pickAll} /></th>`}
      ${fields.map((field, at) => html`<${Head} key=${field.name} field=${field} first=${!at} sort=${sort} move=${move} drag=${drag} forget=${forget} />`)}
      <td class="filler"></td>
    </tr></thead>
    <tbody>
      ${rows.map((/** @type {any} */ row) => html`<${Line}
        key=${row.id} model=${model} row=${row} columns=${columns} query=${query} canPick=${canPick}
        chosen=${selected.has(row.id)} mark=${gone.has(row.id) ? "gone" : flashing.has(row.id) ? "flash" : undefined} open=${record === String(row.id)} pick=${pick} inPlace=${inPlace}
      />`)}
    </tbody>
  </table>`;
}

/** @param {Set<number>} ids @param {number} id */
export function toggled(ids, id) {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** @param {any} props */
function Head({ field, first, sort, move, drag, forget }) {
  const parts = sort.split(",").filter(Boolean);
  const at = parts.findIndex((/** @type {string} */ part) => part === field.name || part === `-${field.name}`);
  const down = at >= 0 && parts[at].startsWith("-");
  const type = typeOf(field);
  const kind = `${first ? "key" : ""} ${type.end ? "n" : ""}`.trim() || undefined;
  const face = html`<${Icon} name=${iconOf(field)} /><span class="clip">${field.label}</span>`;
  const named = typeName(field);
  const edge = html`<span class="edge" aria-hidden="true" onPointerDown=${(/** @type {any} */ event) => drag(field.name, event)} onDblClick=${() => forget(field.name)}></span>`;
  if (UNSORTED.includes(field.type)) return html`<th scope="col" class=${kind} title=${named}><span class="face">${face}</span>${edge}</th>`;
  const turn = (/** @type {MouseEvent} */ event) => move({ sort: turnedSort(sort, field.name, event.shiftKey), offset: null });
  return html`<th scope="col" class=${kind} aria-sort=${at < 0 ? undefined : down ? "descending" : "ascending"}>
    <button type="button" onClick=${turn} title=${`${named}. ${t("data.sort_help")}`}>${face}${at >= 0 && html`<${Icon} name=${down ? "arrow-down" : "arrow-up"} extra="way" />`}
      ${at >= 0 && parts.length > 1 && html`<span class="count">${at + 1}</span>`}</button>${edge}
  </th>`;
}

/** @param {any} props */
function Line({ model, row, columns, query, canPick, chosen, mark, open, pick, inPlace }) {
  const address = recordAddress(model, query, row);
  const title = titleOf(model, row);
  const { editing } = inPlace;
  const input = (/** @type {any} */ field) => editing?.id === row.id && editing?.name === field.name && html`<${CellInput} key=${editing.error} field=${field} editing=${editing}
    save=${(/** @type {any} */ draft) => inPlace.save(row.id, field, draft)} stop=${inPlace.stop} leave=${inPlace.leave} />`;
  return html`<tr class=${mark} data-id=${row.id} aria-selected=${chosen ? "true" : undefined} aria-current=${open ? "true" : undefined}>
    ${canPick && html`<td class="pick"><input class="check" type="checkbox" checked=${chosen} onClick=${(/** @type {MouseEvent} */ event) => pick(row.id, event)} aria-label=${t("data.select", { title })} /></td>`}
    <th class=${`key ${input(columns.key) ? "editing" : ""}`} scope="row">${input(columns.key) || html`<a class="open" href=${address} data-row=${row.id} data-field=${columns.key.name} title=${title}>${title}</a>`}${mark === "gone" && html`<span class="vh">${t("data.gone")}</span>`}</th>
    ${columns.rest.map((/** @type {any} */ field) => html`<${Cell} key=${field.name} field=${field} value=${row[field.name]} about=${row.expand?.[field.name]} input=${input(field)}
      edit=${editableInPlace(model, field) && (() => inPlace.edit(row.id, field.name))} />`)}
    <td class="filler"></td>
  </tr>`;
}

/** @param {import("../types").Model} model @param {URLSearchParams} query @param {import("../types").Row} row */
export function recordAddress(model, query, row) {
  const next = new URLSearchParams(query);
  next.set("record", String(row.id));
  return href(`/data/${model.name}`, next);
}

/** @param {{field: import("../types").Field, value: any, about?: any, input?: any, edit?: false|(() => void)}} props `input` stands in place of the value, `edit` asks for it */
export function Cell({ field, value, about, input, edit }) {
  const type = typeOf(field);
  const kind = [type.end ? "n" : type.soft && "soft", edit && "editable", input && "editing"].filter(Boolean).join(" ");
  return html`<td class=${kind || undefined} data-field=${field.name} tabindex=${input ? undefined : "-1"} onDblClick=${edit || undefined}>${input || inCell(field, value, about)}</td>`;
}

/** @param {any} value */
export function isEmpty(value) {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
}

/** What stands for a value; an absent one is a dash. @param {import("../types").Field} field @param {any} value @param {any} [about] what it refers to */
export function inCell(field, value, about) {
  if (isEmpty(value)) return html`<span class="void" aria-hidden="true">–</span>`;
  return cellOf(value, field, about);
}
