// The one drawing for empty places, inline so that it follows the theme: a bear asleep in its den.
import { html } from "../vendor/preact.js";

export function Drawing() {
  return html`<svg class="drawing" viewBox="0 0 208 148" aria-hidden="true">
    <path class="g" d="M24 24h160M24 44h160M24 64h160M24 84h160M24 104h160M44 8v112M64 8v112M84 8v112M104 8v112M124 8v112M144 8v112M164 8v112"/>
    <path class="p" d="M44 124V84a20 20 0 0 1 20-20h80a20 20 0 0 1 20 20v40z"/>
    <path class="l" d="M44 124V84a20 20 0 0 1 20-20h80a20 20 0 0 1 20 20v40"/>
    <path class="f" d="M54 124V90a16 16 0 0 1 16-16h68a16 16 0 0 1 16 16v34z"/>
    <g transform="translate(76 71.5) scale(3.5)"><path class="b" fill-rule="evenodd" d="M3 1h1a2 2 0 0 1 2 2h4a2 2 0 0 1 2-2h1a2 2 0 0 1 2 2v8a4 4 0 0 1-4 4H5a4 4 0 0 1-4-4V3a2 2 0 0 1 2-2zM3 6h3v1H3zM10 6h3v1h-3zM7 8v2h2V8a2 2 0 0 1 2 2 2 2 0 0 1-2 2H7a2 2 0 0 1-2-2 2 2 0 0 1 2-2z"/></g>
    <path class="l" d="M12 124.5h184"/>
    <path class="h" d="M64 24h20v20H64z"/>
    <path class="l" d="M150 46h7l-7 8h7M163 29h9l-9 10h9M180 10h11l-11 12h11"/>
  </svg>`;
}
