// What the lists with a histogram share: the stretch of time in the address, following it live, and the way back to a line.
import { formatTime, t } from "../i18n.js";
import { go, href } from "../router.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { PRESETS, USUAL, rangeOf } from "./activity_range.js";

const LIVE_MS = 2000;
const CALM_MS = 15_000;

/** @typedef {(next: Record<string, string|number|null>, replace?: boolean) => void} Move null removes a part of the address */
/** @typedef {{now: number, range: import("./activity_range.js").Range, live: boolean, move: Move, preset: (name: string) => void, zoom: (from: number, to: number) => void, close: () => void, waited: <T>(load: (signal: AbortSignal) => Promise<T>) => (signal: AbortSignal) => Promise<T>}} Stretch `waited` is what the next look waits for */

/**
 * @param {URLSearchParams} query @param {string} place the address of the list
 * @param {string} open what an opened line is called in the address, and as `data-…` of its button
 * @returns {Stretch}
 */
export function useStretch(query, place, open) {
  const [now, setNow] = useState(Date.now);
  const range = rangeOf(query, now);
  const waiting = useRef(0);
  const live = query.has("live") && range.preset !== "";
  useEffect(() => {
    if (!range.preset) return;
    const timer = setInterval(() => document.visibilityState === "visible" && !waiting.current && setNow(Date.now()), live ? LIVE_MS : CALM_MS);
    return () => clearInterval(timer);
  }, [live, range.preset]);
  /** @type {Move} */
  const move = (next, replace = false) => {
    const moved = new URLSearchParams(query);
    for (const [key, value] of Object.entries(next)) value === null || value === "" ? moved.delete(key) : moved.set(key, String(value));
    go(href(place, moved), { replace });
  };
  const preset = (/** @type {string} */ name) => {
    setNow(Date.now());
    move({ range: name === USUAL ? null : name, from: null, to: null, cursor: null, [open]: null });
  };
  const zoom = (/** @type {number} */ from, /** @type {number} */ to) =>
    move({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), live: null, cursor: null, [open]: null });
  const close = () => {
    const last = query.get(open);
    move({ [open]: null });
    requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector(`[data-${open}="${last}"]`))?.focus());
  };
  /** @type {Stretch["waited"]} */
  const waited = (load) => async (signal) => {
    // A slow answer that the next look took back would never come.
    waiting.current += 1;
    try {
      return await load(signal);
    } finally {
      waiting.current -= 1;
    }
  };
  return { now, range, live, move, preset, zoom, close, waited };
}

/** @param {{stretch: Stretch}} props */
export function Presets({ stretch: { range, preset } }) {
  return html`<div class="segmented" role="group" aria-label=${t("activity.range")}>${Object.keys(PRESETS).map((name) => html`<button key=${name} type="button" aria-pressed=${range.preset === name ? "true" : "false"} onClick=${() => preset(name)}>${t(`activity.range_${name.replace(/\d+/, "")}${PRESETS[name] === 60 ? "_one" : ""}`)}</button>`)}</div>
    ${!range.preset && html`<${Chip} name=${t("activity.time")} value=${`${formatTime(range.from, "minute")} – ${formatTime(range.to, "minute")}`} off=${t("activity.zoom_out")} clear=${() => preset(USUAL)} />`}`;
}

/** One filter that can be taken off. @param {{name: string, value: string, off: string, clear: () => void}} props */
export function Chip({ name, value, off, clear }) {
  return html`<span class="chip"><span>${name}</span><b>${value}</b><button type="button" aria-label=${off} title=${off} onClick=${clear}><${Icon} name="close" /></button></span>`;
}

/** @param {{label: string, levels: string[], level: string, words: (name: string) => string, choose: (name: string) => void}} props "" is all of them */
export function Levels({ label, levels, level, words, choose }) {
  return html`<div class="segmented" role="group" aria-label=${label}>${levels.map((name) => html`<button key=${name} type="button" aria-pressed=${level === name ? "true" : "false"} onClick=${() => choose(name)}>${words(name)}</button>`)}</div>`;
}

/** @param {{stretch: Stretch, possible: boolean}} props */
export function LiveSwitch({ stretch: { live, move }, possible }) {
  return html`<button class="btn" type="button" aria-pressed=${live ? "true" : "false"} disabled=${!possible} onClick=${() => move({ live: live ? null : "yes" }, true)}><${Icon} name=${live ? "stop" : "play"} />${t(live ? "activity.live_stop" : "activity.live")}</button>`;
}
