// Where the boxes and lines of the drawing of models stand. Pixels; no drawing here.

export const BOX = 212;
export const HEAD = 36;
export const LINE = 24;
/** The rule under the name, and the air below it. */
const UNDER_HEAD = 5;
const BETWEEN_LAYERS = 88;
const BETWEEN_BOXES = 24;
const MARGIN = 24;
const MOST_FIELDS = 10;
const ALONE_PER_ROW = 4;

/**
 * @typedef {import("../types").Model} Model
 * @typedef {{model: Model, fields: import("../types").Field[], more: number, x: number, y: number, height: number}} Box
 * @typedef {{from: string, field: string, to: string, path: string}} Line
 */

/** What a field refers to, or null. @param {import("../types").Field} field */
const targetOf = (field) => field.references || (field.type === "file" ? "files" : null);

/**
 * In layers: who refers stands left of what it refers to; what is alone stands below.
 * @param {Model[]} models @param {boolean} owners whether lines to owners count @returns {{boxes: Box[], lines: Line[], width: number, height: number}}
 */
export function layout(models, owners) {
  const known = new Map(models.map((model) => [model.name, model]));
  const refers = (/** @type {import("../types").Field} */ field) => Boolean(targetOf(field)) && known.has(targetOf(field) || "") && (owners || field.name !== "owner_id");
  const edges = models.flatMap((model) => model.fields.filter(refers).map((field) => ({ from: model.name, field: field.name, to: targetOf(field) || "" })));
  const joined = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  const layers = layered(models.filter((model) => joined.has(model.name)).map((model) => model.name), edges);
  /** @type {Map<string, Box>} */
  const boxes = new Map();
  let bottom = MARGIN;
  let right = 0;
  layers.forEach((names, column) => {
    let y = MARGIN;
    for (const name of names) {
      const box = boxOf(/** @type {Model} */ (known.get(name)), refers, MARGIN + column * (BOX + BETWEEN_LAYERS), y);
      boxes.set(name, box);
      y += box.height + BETWEEN_BOXES;
    }
    bottom = Math.max(bottom, y);
    right = MARGIN + (column + 1) * BOX + column * BETWEEN_LAYERS;
  });
  const alone = models.filter((model) => !joined.has(model.name));
  for (let at = 0; at < alone.length; at += ALONE_PER_ROW) {
    const row = alone.slice(at, at + ALONE_PER_ROW).map((model, place) => boxOf(model, refers, MARGIN + place * (BOX + BETWEEN_BOXES), bottom));
    for (const box of row) boxes.set(box.model.name, box);
    bottom += Math.max(...row.map((box) => box.height)) + BETWEEN_BOXES;
    right = Math.max(right, ...row.map((box) => box.x + BOX));
  }
  const lines = edges.map((edge) => ({ ...edge, path: pathOf(/** @type {Box} */ (boxes.get(edge.from)), edge.field, /** @type {Box} */ (boxes.get(edge.to))) }));
  return { boxes: [...boxes.values()], lines, width: right + MARGIN, height: bottom };
}

/**
 * The longest way to something that refers to nothing decides the layer; a circle is cut where it closes.
 * @param {string[]} names @param {{from: string, to: string}[]} edges @returns {string[][]} from left to right
 */
function layered(names, edges) {
  /** @type {Map<string, number>} */
  const depth = new Map();
  const open = new Set();
  /** @param {string} name @returns {number} */
  const depthOf = (name) => {
    const done = depth.get(name);
    if (done !== undefined) return done;
    open.add(name);
    const next = edges.filter((edge) => edge.from === name && !open.has(edge.to)).map((edge) => depthOf(edge.to) + 1);
    open.delete(name);
    const found = Math.max(0, ...next);
    depth.set(name, found);
    return found;
  };
  for (const name of names) depthOf(name);
  const deepest = Math.max(-1, ...depth.values());
  const layers = Array.from({ length: deepest + 1 }, (_none, column) => names.filter((name) => depth.get(name) === deepest - column));
  // From right to left, each near the middle of what it refers to.
  for (let column = layers.length - 2; column >= 0; column -= 1) {
    const places = new Map(layers.slice(column + 1).flatMap((layer) => layer.map((name, at) => /** @type {[string, number]} */ ([name, at]))));
    const middle = (/** @type {string} */ name) => {
      const met = edges.filter((edge) => edge.from === name && places.has(edge.to)).map((edge) => Number(places.get(edge.to)));
      return met.reduce((sum, at) => sum + at, 0) / (met.length || 1);
    };
    layers[column].sort((a, b) => middle(a) - middle(b));
  }
  return layers;
}

/** Those that refer are always shown. @param {Model} model @param {(field: import("../types").Field) => boolean} refers @param {number} x @param {number} y @returns {Box} */
function boxOf(model, refers, x, y) {
  const own = model.fields.filter((field) => !["id", "created_at", "updated_at"].includes(field.name) && (field.name !== "owner_id" || refers(field)));
  const room = MOST_FIELDS - own.filter(refers).length;
  let plain = 0;
  const fields = own.filter((field) => refers(field) || (plain += 1) <= room);
  const more = own.length - fields.length;
  return { model, fields, more, x, y, height: HEAD + (fields.length + (more ? 1 : 0)) * LINE + 8 };
}

/** @param {Box} from @param {string} field @param {Box} to */
function pathOf(from, field, to) {
  const y = from.y + HEAD + UNDER_HEAD + from.fields.findIndex((one) => one.name === field) * LINE + LINE / 2;
  const end = to.y + HEAD / 2;
  if (to.x > from.x) {
    const start = from.x + BOX;
    const bend = Math.min(BETWEEN_LAYERS / 2, (to.x - start) / 2);
    return `M${start} ${y}C${start + bend} ${y} ${to.x - bend} ${end} ${to.x - 7} ${end}`;
  }
  // To itself, to the same layer or back: round the right side.
  const start = from.x + BOX;
  const goal = to.x + BOX;
  const out = Math.max(start, goal) + BETWEEN_LAYERS / 2;
  return `M${start} ${y}C${out} ${y} ${out} ${end} ${goal + 7} ${end}`;
}
