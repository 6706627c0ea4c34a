// A file: sent before the record is saved, which refers to it by its number.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { fileAddress } from "../widgets/file.js";
import { later } from "../widgets/later.js";
import { Unreadable } from "./text.js";

/** The draft while a file is sent: a record is not saved without it, nor left unasked. */
export class OnItsWay {
  /** @param {any} before what the field held */
  constructor(before) {
    this.before = before;
  }
}

/** @type {import("./text.js").FieldType} */
export const file = {
  column: "c-text",
  icon: "file",
  cell: (value, _field, about) =>
    about
      ? html`<a class="rel" href=${fileAddress(about)} target="_blank" rel="noopener" title=${about.name}><span class="clip">${about.name}</span></a>`
      : html`<span class="mono">${t("file.number", { id: value })}</span>`,
  Input: later(() => import("./file_input.js").then((found) => found.FileInput)),
  toDraft: (value) => value ?? "",
  fromDraft: (draft) => {
    if (draft instanceof OnItsWay) throw new Unreadable("file.on_its_way");
    return draft === "" ? null : draft;
  },
};
