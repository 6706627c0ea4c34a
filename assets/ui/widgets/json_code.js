// JSON to read: indented, and coloured by what each part is.
// A group and no region: several may stand on a page, and a landmark has a name of its own.
import { formatJson } from "../json.js";
import { html } from "../vendor/preact.js";

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)/g;
/** Longer texts stand there without colours: each part would be an element of its own. */
const MOST_COLOURED = 60_000;

/** @param {{value: any, label: string}} props */
export function JsonCode({ value, label }) {
  const text = formatJson(value, 2);
  return html`<pre class="code wrap" tabindex="0" role="group" aria-label=${label}>${text.length > MOST_COLOURED ? text : coloured(text)}</pre>`;
}

/** @param {string} text */
function coloured(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    parts.push(text.slice(end, found.index));
    const [whole, string, colon, number] = found;
    const kind = string ? (colon ? "k" : "s") : number ? "d" : "w";
    parts.push(html`<span class=${kind}>${string || whole}</span>`, colon || "");
    end = found.index + whole.length;
  }
  return [...parts, text.slice(end)];
}
