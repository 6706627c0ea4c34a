// Yes or no: a tick or a dash in the grid, a check in the form.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { common } from "./text.js";

/** @type {import("./text.js").FieldType} */
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
