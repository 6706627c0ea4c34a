// Icons and states from the sprite; the shape says the state, the colour only repeats it.
import { away, base } from "../store.js";
import { effect, html, signal } from "../vendor/preact.js";

const SPRITE = `${base}/ui/icons.svg`;
/** Whether the page holds the shapes itself: from the first time that the server was away. */
const held = signal(false);
let kept = "";

/** For icons that are first drawn while the server is away: a browser asks for the sprite anew for each. */
export async function keepIcons() {
  const answer = await fetch(SPRITE).catch(() => null);
  if (answer?.ok) kept = await answer.text();
}

effect(() => {
  if (!away.value || !kept || held.peek()) return;
  const box = document.createElement("div");
  box.hidden = true;
  box.append(new DOMParser().parseFromString(kept.replaceAll(' id="', ' id="icon-'), "image/svg+xml").documentElement);
  document.body.append(box);
  held.value = true;
});

/** @param {string} shape */
const placeOf = (shape) => (held.value ? `#icon-${shape}` : `${SPRITE}#${shape}`);

/** @param {{name: string, size?: 14|16|18|20, label?: string, extra?: string}} props */
export function Icon({ name, size = 18, label, extra = "" }) {
  const kind = `icon ${size === 18 ? "" : `s${size}`} ${extra}`.trim();
  const use = html`<use href=${placeOf(name)} />`;
  return label
    ? html`<svg class=${kind} role="img" aria-label=${label}>${use}</svg>`
    : html`<svg class=${kind} aria-hidden="true">${use}</svg>`;
}

const SHAPES = { ok: "st-run", busy: "st-start", off: "st-stop", warn: "st-warn", bad: "st-bad", wait: "st-wait" };

/** @param {{kind: keyof SHAPES, children?: any, title?: string}} props */
export function State({ kind, children, title }) {
  return html`<span class=${`state ${kind}`} title=${title}>
    <svg aria-hidden="true"><use href=${placeOf(SHAPES[kind])} /></svg>${children}
  </span>`;
}

/** The bear's head, in the colour of the text round it. */
export function Mark() {
  return html`<svg class="mark" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
    <path fill-rule="evenodd" d=${MARK} />
  </svg>`;
}

const MARK =
  "M3 1h1a2 2 0 0 1 2 2h4a2 2 0 0 1 2-2h1a2 2 0 0 1 2 2v8a4 4 0 0 1-4 4H5a4 4 0 0 1-4-4V3a2 2 0 0 1 2-2z" +
  "M4 5h2v2H4zM10 5h2v2h-2zM7 8v2h2V8a2 2 0 0 1 2 2 2 2 0 0 1-2 2H7a2 2 0 0 1-2-2 2 2 0 0 1 2-2z";
