// How far a right goes, as a square: full, half, empty; a dot where nothing is said.
import { html } from "../vendor/preact.js";

/** @param {{extent: string}} props */
export function May({ extent }) {
  return html`<svg class="may" viewBox="0 0 14 14" aria-hidden="true">
    ${extent === "all" && html`<rect class="f" x="1" y="1" width="12" height="12" rx="2.5" />`}
    ${extent === "own" && html`<rect class="h" x="1.5" y="1.5" width="11" height="11" rx="2" /><path class="f" d="M1.5 12.5v-11l11 11z" />`}
    ${extent === "none" && html`<rect class="o" x="1.5" y="1.5" width="11" height="11" rx="2" />`}
    ${extent === "silent" && html`<circle class="f" cx="7" cy="7" r="1.25" />`}
  </svg>`;
}
