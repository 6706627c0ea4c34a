// How wide the columns of a grid are: dragged at their edges, kept for the person.
import { keep, stored } from "../store.js";
import { useState } from "../vendor/preact.js";

const NARROWEST = 60;
const WIDEST = 900;

/** @param {string} model @returns {Record<string, number>} pixels by field */
function read(model) {
  try {
    const kept = JSON.parse(stored(`widths.${model}`, "{}"));
    return Object.fromEntries(Object.entries(kept).filter(([, width]) => Number.isFinite(width)));
  } catch {
    return {};
  }
}

/** @param {string} model */
export function useWidths(model) {
  const [widths, setWidths] = useState(() => read(model));
  /** @param {Record<string, number>} next */
  const keepAll = (next) => {
    setWidths(next);
    keep(`widths.${model}`, JSON.stringify(next));
  };
  /** @param {string} name @param {PointerEvent & {currentTarget: HTMLElement}} event */
  const drag = (name, event) => {
    const edge = event.currentTarget;
    const from = event.clientX;
    const wide = edge.closest("th")?.offsetWidth || NARROWEST;
    /** @type {Record<string, number>} */
    let next = widths;
    const move = (/** @type {PointerEvent} */ moved) => {
      next = { ...widths, [name]: Math.round(Math.min(WIDEST, Math.max(NARROWEST, wide + moved.clientX - from))) };
      setWidths(next);
    };
    const end = () => {
      edge.removeEventListener("pointermove", move);
      if (next !== widths) keepAll(next);
    };
    event.preventDefault();
    edge.setPointerCapture(event.pointerId);
    edge.addEventListener("pointermove", move);
    edge.addEventListener("pointerup", end, { once: true });
    edge.addEventListener("pointercancel", end, { once: true });
  };
  /** @param {string} name back to its own width */
  const forget = (name) => {
    const { [name]: _gone, ...rest } = widths;
    keepAll(rest);
  };
  return { widths, drag, forget };
}
