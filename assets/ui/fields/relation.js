// The number of a record of another model, with a way to open it.
import { href } from "../router.js";
import { may, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { integer } from "./number.js";

/** @type {import("./text.js").FieldType} */
export const relation = {
  ...integer,
  column: "c-rel",
  end: false,
  cell: (value, field) => {
    const model = modelNamed(field.references || "");
    return may(model, "read")
      ? html`<a class="rel mono" href=${href(`/data/${model?.name}`, { record: String(value) })}>${model?.label} ${String(value)}</a>`
      : html`<span class="mono">${String(value)}</span>`;
  },
};
