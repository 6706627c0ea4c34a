// One of a few values: named ones, or yes and no.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Select } from "../widgets/select.js";
import { common, text } from "./text.js";

/** @type {import("./text.js").FieldType} */
export const choice = {
  ...text,
  column: "c-tag",
  icon: "type-choice",
  cell: (value) => html`<span class="tag">${value}</span>`,
  Input: (props) => html`<${Select} changed=${props.changed} ...${common(props)} value=${props.draft} onChange=${(/** @type {any} */ event) => props.set(event.target.value)}>
    ${(!props.field.required || props.draft === "") && html`<option value="" selected=${props.draft === ""}></option>`}
    ${(props.field.choices || []).map((name) => html`<option key=${name} value=${name} selected=${props.draft === name}>${name}</option>`)}
  <//>`,
  fromDraft: (draft) => draft || null,
};

/** A tick or a dash in the grid, a check in the form. @type {import("./text.js").FieldType} */
export const boolean = {
  column: "c-bool",
  icon: "type-bool",
  cell: (value) =>
    value
      ? html`<${Icon} name="check" extra="tick" label=${t("value.yes")} />`
      : html`<span class="void"><span aria-hidden="true">–</span><span class="vh">${t("value.no")}</span></span>`,
  Input: (props) => html`<input
    class="check" type="checkbox" ...${common(props)} checked=${props.draft}
    onChange=${(/** @type {any} */ event) => props.set(event.target.checked)}
  />`,
  toDraft: Boolean,
  fromDraft: Boolean,
};
