// A menu under a button of the top bar: the browser's own popover, closed by Esc or a click elsewhere.
import { html } from "../vendor/preact.js";

/** @param {{id: string, label: string, className: string, button: any, children: any}} props */
export function Menu({ id, label, className, button, children }) {
  return html`<button class=${className} type="button" popovertarget=${id} aria-label=${label} title=${label}>${button}</button>
    <div class="menu under-bar" id=${id} popover="auto" onClick=${closeMenu}>${children}</div>`;
}

/** @param {Event & {currentTarget: HTMLElement}} event */
function closeMenu(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("a, button")) event.currentTarget.hidePopover();
}
