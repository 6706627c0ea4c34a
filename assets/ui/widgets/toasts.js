// Short messages at the corner: at most three, six seconds, ten with a button, longer while pointed at or focused.
import { t } from "../i18n.js";
import { html, signal } from "../vendor/preact.js";
import { Icon } from "./icon.js";

const LIFE_MS = 6000;
const LIFE_WITH_ACTION_MS = 10_000;
const MOST = 3;
let last = 0;

/** @typedef {{label: string, run: () => void}} Action */

/** @type {import("../types").Signal<{id: number, text: string, kind: string, action?: Action}[]>} */
const toasts = signal([]);
/** @type {Map<number, number>} */
const timers = new Map();

/** @param {string} text @param {"ok"|"bad"} [kind] @param {Action} [action] a button that does something about it */
export function say(text, kind = "ok", action) {
  last += 1;
  toasts.value = [...toasts.value, { id: last, text, kind, action }].slice(-MOST);
  wait(last);
}

/** @param {number} id */
function wait(id) {
  clearTimeout(timers.get(id));
  const action = toasts.value.find((toast) => toast.id === id)?.action;
  timers.set(id, window.setTimeout(() => drop(id), action ? LIFE_WITH_ACTION_MS : LIFE_MS));
}

/** @param {number} id */
function drop(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** @param {number} id @param {Action} action */
function act(id, action) {
  drop(id);
  action.run();
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(
      ({ id, text, kind, action }) => html`<div
        class=${`toast ${kind}`} key=${id}
        onMouseEnter=${() => clearTimeout(timers.get(id))} onMouseLeave=${() => wait(id)}
        onFocusIn=${() => clearTimeout(timers.get(id))} onFocusOut=${() => wait(id)}
      >
        <${Icon} name=${kind === "ok" ? "check" : "alert"} />
        <span class="grow">${text}</span>
        ${action && html`<button class="btn dense" type="button" onClick=${() => act(id, action)}>${action.label}</button>`}
        <button class="btn only quiet dense" type="button" aria-label=${t("do.close")} onClick=${() => drop(id)}>
          <${Icon} name="close" />
        </button>
      </div>`,
    )}
  </div>`;
}
