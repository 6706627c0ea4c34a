// A menu under its button: the browser's own popover, closed by Esc or a click elsewhere.
import { html } from "../vendor/preact.js";

const GAP = 4;

/** @param {{id: string, label: string, className: string, button: any, children: any}} props under the end of the top bar */
export function Menu({ id, label, className, button, children }) {
  return html`<button class=${className} type="button" popovertarget=${id} aria-label=${label} title=${label}>${button}</button>
    <div class="menu under-bar" id=${id} popover="auto" onClick=${closeMenu}>${children}</div>`;
}

/**
 * A menu anywhere on a page. The top layer knows no parent, so it is placed by hand when it opens.
 * @param {{id: string, label: string, className: string, button: any, stays?: boolean, children: any}} props `stays` open after a click inside
 */
export function PlacedMenu({ id, label, className, button, stays = false, children }) {
  const place = (/** @type {any} */ event) => {
    if (event.newState !== "open") return;
    const menu = /** @type {HTMLElement} */ (event.currentTarget);
    const at = document.querySelector(`[popovertarget="${id}"]`)?.getBoundingClientRect();
    if (!at) return;
    const box = menu.getBoundingClientRect();
    const below = at.bottom + GAP + box.height <= innerHeight;
    menu.style.top = `${below ? at.bottom + GAP : Math.max(GAP, at.top - GAP - box.height)}px`;
    menu.style.left = `${Math.max(GAP * 2, Math.min(at.right - box.width, innerWidth - box.width - GAP * 2))}px`;
    if (stays) /** @type {HTMLElement|null} */ (menu.querySelector("select, input"))?.focus();
  };
  return html`<button class=${className} type="button" popovertarget=${id} aria-label=${label} title=${label}>${button}</button>
    <div class="menu placed" id=${id} popover="auto" onToggle=${place} onClick=${stays ? undefined : closeMenu}>${children}</div>`;
}

/** @param {Event & {currentTarget: HTMLElement}} event */
function closeMenu(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("a, button")) event.currentTarget.hidePopover();
}
