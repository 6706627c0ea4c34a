// How far something is: a bar with its words. Without a part it says only that it goes on.
import { html } from "../vendor/preact.js";

/** @param {{label: string, part?: number|null, words: string}} props `part` is 0 to 1 */
export function Progress({ label, part, words }) {
  return html`<div class="progress" role="status">
    <progress aria-label=${label} max="1" value=${part ?? undefined}></progress>
    <p class="small soft">${words}</p>
  </div>`;
}
