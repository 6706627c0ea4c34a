// Stretches of time: the presets, what the address says, and the bars that one is cut into.
/** @type {Record<string, number>} minutes */
export const PRESETS = { "15m": 15, "1h": 60, "24h": 24 * 60, "7d": 7 * 24 * 60 };
export const USUAL = "1h";
const MINUTE = 60_000;
const MOST_BARS = 72;
/** Lengths of a bar in minutes, and what the server groups by for it. @type {[number, "minute"|"hour"|"day"][]} */
const STEPS = [[1, "minute"], [2, "minute"], [5, "minute"], [10, "minute"], [60, "hour"], [120, "hour"], [180, "hour"], [360, "hour"], [1440, "day"], [2880, "day"], [10080, "day"]];

/** @typedef {{from: number, to: number, step: number, part: "minute"|"hour"|"day", preset: string}} Range from and to in ms, step in ms; preset is "" for one that was chosen */

/** @param {URLSearchParams} query @param {number} now @returns {Range} */
export function rangeOf(query, now) {
  const from = Date.parse(query.get("from") || "");
  const to = Date.parse(query.get("to") || "");
  if (from < to) return cut(from, to, "");
  const preset = Object.hasOwn(PRESETS, query.get("range") || "") ? String(query.get("range")) : USUAL;
  return cut(now - PRESETS[preset] * MINUTE, now, preset);
}

/** From the beginning of a bar to the end of one. @param {number} from @param {number} to @param {string} preset @returns {Range} */
function cut(from, to, preset) {
  const minutes = (to - from) / MINUTE;
  const [length, part] = STEPS.find(([one]) => minutes / one <= MOST_BARS) || STEPS[STEPS.length - 1];
  const step = length * MINUTE;
  return { from: Math.floor(from / step) * step, to: Math.max(Math.ceil(to / step), Math.floor(from / step) + 1) * step, step, part, preset };
}

/**
 * The bars of a stretch from the server's groups.
 * @param {Range} range @param {any[]} groups of `group_by=created_at:…,level` @returns {{at: number, ok: number, refused: number, failed: number}[]}
 */
export function barsOf(range, groups) {
  const bars = Array.from({ length: Math.round((range.to - range.from) / range.step) }, (_none, n) => ({ at: range.from + n * range.step, ok: 0, refused: 0, failed: 0 }));
  for (const { group, count } of groups) {
    const bar = bars[Math.floor((momentOf(group.created_at) - range.from) / range.step)];
    if (bar) bar[/** @type {"ok"|"refused"|"failed"} */ (group.level)] += count;
  }
  return bars;
}

/** "2026-11-28", "2026-11-28T19" or "2026-11-28T19:22", in UTC. @param {string} text */
function momentOf(text) {
  const whole = text.length === 10 ? `${text}T00:00` : text.length === 13 ? `${text}:00` : text;
  return Date.parse(`${whole.replace(" ", "T")}:00Z`);
}
