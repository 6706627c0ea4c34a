// Addresses: of a person and of a page. Only http and https become links.
import { html } from "../vendor/preact.js";
import { lineInput, text } from "./text.js";

/** @type {import("./text.js").FieldType} */
export const email = { ...text, icon: "mail", Input: lineInput("email", "email") };

/** @type {import("./text.js").FieldType} */
export const url = {
  ...text,
  column: "c-long",
  icon: "globe",
  cell: (value) =>
    /^https?:\/\//i.test(value)
      ? html`<a class="rel" href=${value} target="_blank" rel="noopener noreferrer">${value}</a>`
      : value,
  Input: lineInput("url", "url"),
};
