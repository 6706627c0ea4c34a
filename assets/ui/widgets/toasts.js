// Short messages at the corner: at most three, six seconds, longer while pointed at or focused.
import { t } from "../i18n.js";
import { html, signal } from "../vendor/preact.js";
import { Icon } from "./icon.js";

const LIFE_MS = 6000;
const MOST = 3;
let last = 0;

/** @type {import("../types").Signal<{id: number, text: string, kind: string}[]>} */
const toasts = signal([]);
/** @type {Map<number, number>} */
const timers = new Map();

/** @param {string} text @param {"ok"|"bad"} [kind] */
export function say(text, kind = "ok") {
  last += 1;
  toasts.value = [...toasts.value, { id: last, text, kind }].slice(-MOST);
  wait(last);
}

/** @param {number} id */
function wait(id) {
  timers.set(id, window.setTimeout(() => drop(id), LIFE_MS));
}

/** @param {number} id */
function drop(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map(
      ({ id, text, kind }) => html`<div
        class=${`toast ${kind}`} key=${id}
        onMouseEnter=${() => clearTimeout(timers.get(id))} onMouseLeave=${() => wait(id)}
        onFocusIn=${() => clearTimeout(timers.get(id))} onFocusOut=${() => wait(id)}
      >
        <${Icon} name=${kind === "ok" ? "check" : "alert"} />
        <span class="grow">${text}</span>
        <button class="btn only quiet dense" type="button" aria-label=${t("do.close")} onClick=${() => drop(id)}>
          <${Icon} name="close" />
        </button>
      </div>`,
    )}
  </div>`;
}
