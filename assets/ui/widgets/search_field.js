// A search that begins with Enter or on leaving the field; until then what is typed stays, whatever is drawn anew around it.
import { html, useState } from "../vendor/preact.js";

/** @param {{label: string, placeholder?: string, value: string, search: (words: string) => void}} props `value`: what is searched for now */
export function SearchField({ label, placeholder = label, value, search }) {
  const [typed, setTyped] = useState(/** @type {string|null} */ (null));
  const begin = (/** @type {any} */ event) => {
    setTyped(null);
    search(event.target.value.trim());
  };
  return html`<input class="input calls-search" type="search" aria-label=${label} placeholder=${placeholder} value=${typed ?? value}
    onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} onChange=${begin} />`;
}
