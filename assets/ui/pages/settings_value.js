// What a person reads and types for a setting, and the value that the server wants for it.
import { formatNumber, t } from "../i18n.js";
import { person } from "../store.js";
import { typedNumber } from "../typed_number.js";
import { effect } from "../vendor/preact.js";
import { holdTyped } from "../widgets/unsaved.js";

/** @typedef {import("./settings.js").Setting} Setting */

/** Binary sizes, the largest first: the limits of the server are whole numbers of them. @type {[string, number][]} */
const SIZES = [["GiB", 1 << 30], ["MiB", 1 << 20], ["KiB", 1 << 10], ["B", 1]];
export const UNITS = SIZES.map(([name]) => name);

/** What was typed and is not saved yet: it stays while other pages are looked at, not when the browser leaves. @type {Map<string, {text: string, unit: string}>} */
export const drafts = new Map();
holdTyped(() => drafts.size > 0, () => true);
let typist = person.peek()?.id;
effect(() => {
  const id = person.value?.id;
  // Whose session has ended goes on typing after signing in again; somebody else does not read it.
  if (!id || id === typist) return;
  if (typist) drafts.clear();
  typist = id;
});

/** @param {number} bytes @returns {{text: string, unit: string}} */
function inUnits(bytes) {
  const [unit, size] = SIZES.find(([, one]) => bytes >= one && bytes % one === 0) || ["B", 1];
  return { text: String(bytes / size), unit };
}

/** A limit in bytes as its setting reads. @param {number} bytes */
export function shownLimit(bytes) {
  const { text, unit } = inUnits(bytes);
  return `${formatNumber(Number(text))} ${unit}`;
}

/** As it stands in the field. @param {Setting} setting @returns {{text: string, unit: string}} */
export function asTyped(setting, value = setting.wanted) {
  if (setting.unit === "B" && typeof value === "number") return inUnits(value);
  return { text: value === null || value === undefined ? "" : String(value), unit: "" };
}

/**
 * The value to send, or what is wrong with what was typed.
 * @param {Setting} setting @param {{text: string, unit: string}} typed @returns {{value?: any, error?: string}}
 */
export function fromTyped(setting, typed) {
  const text = typed.text.trim();
  if (setting.kind !== "integer" && setting.kind !== "number") return { value: text };
  const size = SIZES.find(([name]) => name === typed.unit)?.[1] || 1;
  const value = Number(typedNumber(text)) * size;
  if (!text || Number.isNaN(value)) return { error: t("settings.want_number") };
  if (setting.kind === "integer" && !Number.isInteger(value)) return { error: t("settings.want_whole") };
  if (setting.minimum !== null && value < setting.minimum) return { error: t("settings.want_least", { limit: shown(setting, setting.minimum) }) };
  if (setting.above !== null && value <= setting.above) return { error: t("settings.want_above", { limit: shown(setting, setting.above) }) };
  if (setting.maximum !== null && value > setting.maximum) return { error: t("settings.want_most", { limit: shown(setting, setting.maximum) }) };
  return { value };
}

/** A value in words, for "Default: …". @param {Setting} setting @param {any} value */
export function shown(setting, value) {
  if (typeof value === "boolean") return t(value ? "settings.on" : "settings.off");
  if (value === "" || value === null || value === undefined) return t("settings.nothing");
  if (typeof value !== "number") return String(value);
  const { text, unit } = asTyped(setting, value);
  return unit ? `${formatNumber(Number(text))} ${unit}` : setting.unit ? `${formatNumber(value)} ${unitOf(setting)}` : String(value);
}

/** @param {Setting} setting */
export function unitOf(setting) {
  const place = ["s", "min", "h", "d", "1/s", "1/min"].indexOf(setting.unit);
  return place < 0 ? "" : t(`settings.unit_${place}`);
}
