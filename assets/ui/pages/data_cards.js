// The rows on a phone: the title, then what says most about it.
import { cellOf } from "../fields/widgets.js";
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { titleOf } from "../widgets/words.js";
import { inCell, isEmpty, recordAddress, toggled } from "./data_table.js";

/** The columns a card has room for. @param {import("../types").Field[]} fields */
function chosen(fields) {
  const of = (/** @type {string[]} */ types) => fields.find((field) => types.includes(field.type) && field.name !== "owner_id");
  return { amount: of(["integer", "number"]), tag: of(["choice", "tags"]), text: of(["text", "long_text", "email", "url"]) };
}

/** @param {any} props see Rows */
export function Cards({ model, rows, gone, columns, query, selected, setSelected, canPick }) {
  const { amount, tag, text } = chosen(columns.rest);
  const date = columns.rest.find((/** @type {any} */ field) => field.name === "updated_at" || field.name === "created_at");
  return html`<ul class=${`card-rows ${canPick ? "" : "no-pick"}`}>
    ${rows.map((/** @type {any} */ row) => {
      const title = titleOf(model, row);
      return html`<li key=${row.id} class=${gone.has(row.id) ? "gone" : undefined} data-selected=${selected.has(row.id) ? "true" : undefined}>
        ${canPick && html`<input class="check" type="checkbox" checked=${selected.has(row.id)}
          onChange=${() => setSelected(toggled(selected, row.id))} aria-label=${t("data.select", { title })} />`}
        <a class="t clip" href=${recordAddress(model, query, row)}>${title}</a>
        <span class="amt">${amount && !isEmpty(row[amount.name]) && cellOf(row[amount.name], amount)}</span>
        <span class="sub">
          ${tag && !isEmpty(row[tag.name]) && cellOf(row[tag.name], tag)}
          ${text && !isEmpty(row[text.name]) && html`<span class="clip">${inCell(text, row[text.name])}</span>`}
        </span>
        <span class="d">${date && inCell(date, row[date.name])}</span>
      </li>`;
    })}
  </ul>`;
}
