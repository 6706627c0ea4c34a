// A QR code from rows of 0 and 1, always dark on light.
import { html } from "../vendor/preact.js";

/** @param {{rows: string[]|number[][], label: string}} props */
export function QrCode({ rows, label }) {
  const size = rows.length;
  const path = Array.from(/** @type {Iterable<Iterable<string|number>>} */ (rows), (row, y) => Array.from(row, (cell, x) => (Number(cell) ? `M${x} ${y}h1v1h-1z` : "")).join("")).join("");
  return html`<svg class="qr" viewBox=${`-2 -2 ${size + 4} ${size + 4}`} role="img" aria-label=${label}><path d=${path} /></svg>`;
}
