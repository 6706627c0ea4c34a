// How wide the columns of a grid are: by their type at first, dragged at their edges, kept for the person.
import { typeOf } from "../fields/index.js";
import { keep, stored } from "../store.js";
import { useState } from "../vendor/preact.js";
import { own } from "../widgets/words.js";

const NARROWEST = 60;
const WIDEST = 900;

/** Pixels, by the class of a type's column. @type {Record<string, number>} */
const USUAL = {
  "c-title": 204, "c-text": 148, "c-long": 176, "c-num": 112, "c-tag": 108, "c-tags": 140, "c-rel": 104, "c-bool": 76, "c-date": 124, "c-json": 180,
};
const LETTER = 7;
const AROUND_LABEL = 44;
const WIDEST_FOR_LABEL = 172;

/** What a column takes before anybody drags it: enough for its type, and for what stands over it. @param {import("../types").Field} field @param {boolean} [first] */
export function usualWidth(field, first = false) {
  const usual = (first ? 0 : USUAL[typeOf(field).column]) || USUAL[first ? "c-title" : "c-text"];
  return Math.max(usual, Math.min(WIDEST_FOR_LABEL, field.label.length * LETTER + AROUND_LABEL));
}

/** A laptop's window, without what stands beside the grid. */
const LEAST_ROOM = 990;
const BESIDE_GRID = 282;
const CHECKS = 48;
const WIDEST_GROWN = 480;

/** What the columns may take without a scroll sideways. */
export const gridRoom = () => Math.max(LEAST_ROOM, innerWidth - BESIDE_GRID) - CHECKS;

/**
 * All columns: as dragged, else as usual, and the first of long texts takes what is left over.
 * @param {import("../types").Field[]} fields the first is the key @param {Record<string, number>} dragged @returns {Map<string, number>} pixels by field
 */
export function columnWidths(fields, dragged) {
  const all = new Map(fields.map((field, at) => [field.name, own(dragged, field.name) || usualWidth(field, !at)]));
  const left = gridRoom() - [...all.values()].reduce((sum, width) => sum + width, 0);
  const long = fields.find((field, at) => at && typeOf(field).column === "c-long" && !own(dragged, field.name));
  if (long && left > 0) all.set(long.name, Math.min(WIDEST_GROWN, Number(all.get(long.name)) + left));
  return all;
}

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
