// The browser's own list of choices, with our arrow.
import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/** @param {any} props those of the `select`, and its options as children; `dense` for a low one, `changed` for one that is not saved */
export function Select({ dense = false, changed = false, children, ...rest }) {
  return html`<span class="select"><select class=${`input ${dense ? "dense" : ""} ${changed ? "changed" : ""}`} ...${rest}>${children}</select><${Icon} name="down" /></span>`;
}
