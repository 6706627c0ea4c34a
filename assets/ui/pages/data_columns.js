// Which columns a grid shows: kept in this browser, and in the address, so that a copied link shows the same.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { PlacedMenu } from "../widgets/menu.js";
import { chosenColumns, keepColumns } from "./data_query.js";
import { columnsOf, usualColumns } from "./data_rows.js";

/** @param {{model: import("../types").Model, query: URLSearchParams, move: (changes: Record<string, string|null>, replace?: boolean) => void}} props */
export function ColumnMenu({ model, query, move }) {
  const { rest } = columnsOf(model);
  const names = chosenColumns(model.name, query) || usualColumns(model);
  const shown = rest.filter((field) => names.includes(field.name));
  const choose = (/** @type {string[]|null} */ next) => {
    keepColumns(model.name, next);
    move({ columns: next ? next.join(",") : null }, true);
  };
  const turn = (/** @type {string} */ name) => {
    const next = rest.map((field) => field.name).filter((one) => names.includes(one) !== (one === name));
    choose(next);
  };
  const label = t("columns.label", { n: shown.length + 1, all: rest.length + 1 });
  return html`<${PlacedMenu} id="column-menu" label=${label} className="btn only desk-only" button=${html`<${Icon} name="columns" />`} stays>
    <ul class="choices">
      ${rest.map((field) => html`<li key=${field.name}><label>
        <input class="check" type="checkbox" checked=${names.includes(field.name)}
          disabled=${shown.length === 1 && names.includes(field.name)} onChange=${() => turn(field.name)} />
        <span class="clip">${field.label}</span></label></li>`)}
    </ul>
    <footer>
      <button class="btn dense" type="button" disabled=${shown.length === rest.length} onClick=${() => choose(rest.map((field) => field.name))}>${t("columns.all")}</button>
      <button class="btn dense" type="button" disabled=${!chosenColumns(model.name, query)} onClick=${() => choose(null)}>${t("columns.usual")}</button>
    </footer>
  <//>`;
}
