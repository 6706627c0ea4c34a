// What is done with the chosen rows, or with all that match: change a field, export, delete; each can be undone.
import { api } from "../api.js";
import { typeOf } from "../fields/index.js";
import { Unreadable } from "../fields/text.js";
import { formatNumber, t } from "../i18n.js";
import { may } from "../store.js";
import { nameOf, removeRecords, sayWithUndo } from "../undo.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled, describedBy } from "../widgets/labelled.js";
import { Select } from "../widgets/select.js";
import { sentence } from "../widgets/trouble.js";
import { exportAddress } from "./data_head.js";

/**
 * @param {{model: import("../types").Model, selected: Set<number>, setSelected: (ids: Set<number>) => void, everything: boolean,
 *   selectEverything: () => void, filters: URLSearchParams, whole: boolean, count: number, reload: () => void}} props
 * `everything`: all that match are meant; `whole`: every row of the page is chosen
 */
export function Bulk({ model, selected, setSelected, everything, selectEverything, filters, whole, count, reload }) {
  const [editing, setEditing] = useState(false);
  const n = everything ? count : selected.size;
  const chosen = everything ? new URLSearchParams(filters) : new URLSearchParams({ id__in: [...selected].join(",") });
  const query = new URLSearchParams(chosen);
  if (everything && !filters.size) query.set("all", "true");
  const done = () => {
    const inside = document.activeElement?.closest(".bulk");
    setSelected(new Set());
    // This bar goes: who was in it goes on at the head of the rows.
    if (inside) requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector(".grid thead .check"))?.focus());
  };
  const [, once] = useBusy();
  const remove = async () => {
    if (await removeRecords(model, query.toString(), n, { unseen: everything, after: reload })) done();
  };
  return html`<div class="bulk" role="toolbar" aria-label=${t("data.selected_name", { n, name: nameOf(model, n) })}>
      <span class="how-many">${t("data.selected", { n })}</span>
      ${!everything && count > n && html`<button class="btn dense phone-only" type="button" onClick=${selectEverything} aria-label=${t("data.select_everything", { n: count })}>${t("data.all", { n: count })}</button>`}
      ${!everything && whole && count > n && html`<button class="btn dense desk-only" type="button" onClick=${selectEverything}>${t("data.select_everything", { n: count })}</button>`}
      ${may(model, "update") && editable(model).length > 0 && html`<button class="btn dense" type="button" onClick=${() => setEditing(true)}><${Icon} name="edit" />${t("bulk.edit")}</button>`}
      <a class="btn dense desk-only" href=${exportAddress(model, chosen, "csv")} download><${Icon} name="download" />${t("bulk.export")}</a>
      ${may(model, "delete") && html`<button class="btn dense danger" type="button" onClick=${() => once(remove)} aria-label=${t("data.delete", { n, name: nameOf(model, n) })}>
        <${Icon} name="trash" /><span class="desk-only">${t("data.delete", { n, name: nameOf(model, n) })}</span><span class="phone-only">${formatNumber(n)}</span></button>`}
      <button class="btn only dense" type="button" onClick=${done} aria-label=${t("data.clear_selection")} title=${t("data.clear_selection")}>
        <${Icon} name="close" />
      </button>
    </div>
    ${editing && html`<${BulkEdit} model=${model} query=${query.toString()} n=${n} reload=${reload} close=${(/** @type {boolean} */ changed) => {
      setEditing(false);
      if (changed) done();
    }} />`}`;
}

/** Fields that many records can get the same value of. @param {import("../types").Model} model */
function editable(model) {
  return model.fields.filter((field) => !field.read_only && !field.create_only && !field.write_only && !field.unique);
}

/** @param {{model: import("../types").Model, query: string, n: number, reload: () => void, close: (changed: boolean) => void}} props */
function BulkEdit({ model, query, n, reload, close }) {
  const fields = editable(model);
  const [field, setField] = useState(fields[0]);
  const type = typeOf(field);
  const [draft, setDraft] = useState(type.toDraft(null));
  const [error, setError] = useState("");
  // Rules may reach fewer than are seen: the number that will really change is said before it happens.
  const [reach, setReach] = useState(n);
  const [busy, setBusy] = useState(false);
  const choose = (/** @type {any} */ event) => {
    const next = fields.find((one) => one.name === event.target.value) || fields[0];
    setField(next);
    setDraft(typeOf(next).toDraft(null));
    setError("");
  };
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setError("");
    setBusy(true);
    try {
      const values = { [field.name]: type.fromDraft(draft, field) };
      const path = `/api/v1/${model.name}/bulk`;
      const told = (await api.patch(path, values, { query: `${query}&dry_run=true` })).data.count;
      setReach(told);
      if (told !== reach) return setBusy(false);
      const { data } = await api.patch(path, values, { query });
      sayWithUndo(t("bulk.changed", { n: data.count, name: nameOf(model, data.count) }), data.undo);
      reload();
      close(true);
      return;
    } catch (/** @type {any} */ problem) {
      setError(problem instanceof Unreadable ? t(problem.message) : problem.fields?.[field.name]?.message || sentence(problem));
    }
    setBusy(false);
  };
  const id = "bulk-value";
  return html`<${Dialog} label="bulk-title" onClose=${() => close(false)}>
    <h2 id="bulk-title">${t("bulk.title", { n, name: nameOf(model, n) })}</h2>
    <form class="form" onSubmit=${save} novalidate>
      <${Labelled} id="bulk-field" label=${t("bulk.field")}>
        <${Select} id="bulk-field" value=${field.name} onChange=${choose}>
          ${fields.map((one) => html`<option key=${one.name} value=${one.name} selected=${one === field}>${one.label}</option>`)}
        <//>
      <//>
      <${Labelled} id=${id} label=${t("bulk.value")} help=${t("bulk.empty")}>
        <${type.Input} key=${field.name} id=${id} field=${{ ...field, required: false }} draft=${draft} set=${setDraft} isNew=${true} changed=${false}
          invalid=${Boolean(error)} describedBy=${describedBy(id, true, error)} />
      <//>
      ${error && html`<div class="field"><${FieldError} text=${error} id=${`${id}-error`} /></div>`}
      ${reach !== n && html`<p class="note warn" role="alert"><span>${t("bulk.reach", { n: reach, all: formatNumber(n) })}</span></p>`}
      <footer>
        <${Cancel} />
        <button class="btn primary" type="submit" disabled=${busy || !reach}>${t("bulk.do", { n: reach, name: nameOf(model, reach) })}</button>
      </footer>
    </form>
  <//>`;
}
