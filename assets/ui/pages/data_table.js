// The grid of a wide window. One tab stop per row title and check; headers sort.
import { typeOf } from "../fields/index.js";
import { cellOf } from "../fields/widgets.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { titleOf } from "../widgets/words.js";
import { sortOf, turnedSort } from "./data_query.js";

const UNSORTED = ["json", "tags", "secret", "long_text", "bytes"];

/** @param {any} props see Rows */
export function Table({ model, rows, flashing, gone, columns, query, move, record, selected, setSelected, canPick }) {
  const sort = sortOf(query);
  const all = rows.length > 0 && rows.every((/** @type {any} */ row) => selected.has(row.id));
  const some = !all && rows.some((/** @type {any} */ row) => selected.has(row.id));
  const pickAll = () => setSelected(all ? new Set() : new Set(rows.map((/** @type {any} */ row) => row.id)));
  const fields = [columns.key, ...columns.rest];
  return html`<table class=${`grid ${canPick ? "" : "no-pick"}`} aria-label=${model.label_plural}>
    <colgroup>
      ${canPick && html`<col class="c-pick" />`}
      ${fields.map((field, at) => html`<col key=${field.name} class=${at ? typeOf(field).column : "c-title"} />`)}
      <col class="c-rest" />
    </colgroup>
    <thead><tr>
      ${canPick && html`<th class="pick" scope="col"><input class="check" type="checkbox" aria-label=${t("data.select_all")}
        checked=${all} indeterminate=${some} onChange=${pickAll} /></th>`}
      ${fields.map((field, at) => html`<${Head} key=${field.name} field=${field} first=${!at} sort=${sort} move=${move} />`)}
      <td class="filler"></td>
    </tr></thead>
    <tbody>
      ${rows.map((/** @type {any} */ row) => html`<${Line}
        key=${row.id} model=${model} row=${row} columns=${columns} query=${query} canPick=${canPick}
        chosen=${selected.has(row.id)} mark=${gone.has(row.id) ? "gone" : flashing.has(row.id) ? "flash" : undefined} open=${record === String(row.id)} pick=${() => setSelected(toggled(selected, row.id))}
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
function Head({ field, first, sort, move }) {
  const parts = sort.split(",").filter(Boolean);
  const at = parts.findIndex((/** @type {string} */ part) => part === field.name || part === `-${field.name}`);
  const down = at >= 0 && parts[at].startsWith("-");
  const kind = `${first ? "key" : ""} ${typeOf(field).end ? "n" : ""}`.trim() || undefined;
  if (UNSORTED.includes(field.type)) return html`<th scope="col" class=${kind}>${field.label}</th>`;
  const turn = (/** @type {MouseEvent} */ event) => move({ sort: turnedSort(sort, field.name, event.shiftKey), offset: null });
  return html`<th scope="col" class=${kind} aria-sort=${at < 0 ? undefined : down ? "descending" : "ascending"}>
    <button type="button" onClick=${turn} title=${t("data.sort_help")}>${field.label}${at >= 0 && html`<${Icon} name=${down ? "arrow-down" : "arrow-up"} />`}
      ${at >= 0 && parts.length > 1 && html`<span class="count">${at + 1}</span>`}</button>
  </th>`;
}

/** @param {any} props */
function Line({ model, row, columns, query, canPick, chosen, mark, open, pick }) {
  const address = recordAddress(model, query, row);
  const title = titleOf(model, row);
  return html`<tr class=${mark} aria-selected=${chosen ? "true" : undefined} aria-current=${open ? "true" : undefined}>
    ${canPick && html`<td class="pick"><input class="check" type="checkbox" checked=${chosen} onChange=${pick} aria-label=${t("data.select", { title })} /></td>`}
    <th class="key" scope="row"><a class="open" href=${address} data-row=${row.id} title=${title}>${title}</a>${mark === "gone" && html`<span class="vh">${t("data.gone")}</span>`}</th>
    ${columns.rest.map((/** @type {any} */ field) => html`<${Cell} key=${field.name} field=${field} value=${row[field.name]} about=${row.expand?.[field.name]} />`)}
    <td class="filler"></td>
  </tr>`;
}

/** @param {import("../types").Model} model @param {URLSearchParams} query @param {import("../types").Row} row */
export function recordAddress(model, query, row) {
  const next = new URLSearchParams(query);
  next.set("record", String(row.id));
  return href(`/data/${model.name}`, next);
}

/** @param {{field: import("../types").Field, value: any, about?: any}} props */
export function Cell({ field, value, about }) {
  const type = typeOf(field);
  return html`<td class=${type.end ? "n" : type.soft ? "soft" : undefined}>${inCell(field, value, about)}</td>`;
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
