// Every word the pages say stands in a catalogue; the server's own labels come with the data.
import { base } from "./store.js";

/** @type {Record<string, string|{one: string, other: string}>} */
let catalogue = {};
let language = "en";
/** How numbers and dates are written: as the browser's person is used to, if that is the same language. */
let locale = language;
let plural = new Intl.PluralRules(language);

/** @param {string} name */
async function read(name) {
  const answer = await fetch(`${base}/ui/i18n/${name}.json`);
  if (!answer.ok) throw new Error(`No catalogue "${name}": ${answer.status}`);
  return answer.json();
}

/** The words of the first pages; those of all others are asked for when one of them is: `theRest`. @param {string} name */
export async function loadCatalogue(name) {
  catalogue = await read(name);
  language = name;
  locale = navigator.languages.find((one) => one === name || one.startsWith(`${name}-`)) || name;
  plural = new Intl.PluralRules(name);
  document.documentElement.lang = name;
}

/** The words of all pages but the first; once is enough. */
export async function loadOtherWords() {
  catalogue = { ...catalogue, ...(await read(`${language}.more`)) };
}

/**
 * The words for a key; `{name}` is replaced, and `n` chooses between "one" and "other".
 * @param {string} key
 * @param {Record<string, string|number>} [values]
 */
export function t(key, values = {}) {
  const entry = catalogue[key];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : entry[plural.select(Number(values.n)) === "one" ? "one" : "other"];
  return text.replace(/\{(\w+)\}/g, (_all, name) => {
    const value = values[name];
    return typeof value === "number" ? formatNumber(value) : String(value ?? "");
  });
}

/** @param {number|bigint} value */
export function formatNumber(value) {
  return new Intl.NumberFormat(locale).format(value);
}

/** @param {number} part from 0 to 1 */
export function formatPercent(part) {
  return new Intl.NumberFormat(language, { style: "percent" }).format(part);
}

const STEPS = /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
  ["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60],
]);

/** "3 days ago", "in 2 hours". @param {string} iso */
export function formatRelative(iso) {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return iso;
  const exact = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  const named = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return (unit === "day" ? named : exact).format(Math.trunc(seconds / size), unit);
  }
  return Math.abs(seconds) < 10 ? t("time.now") : exact.format(Math.trunc(seconds), "second");
}

/** The exact moment in the reader's own time zone. @param {string} iso */
export function formatExact(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }).format(date);
}

/** A moment on an axis or in a list, as fine as `part`. @param {number} moment ms @param {"second"|"minute"|"hour"|"day"} part */
export function formatTime(moment, part) {
  const today = new Date(moment).toDateString() === new Date().toDateString();
  const day = today && part !== "day" ? {} : /** @type {const} */ ({ day: "numeric", month: "short" });
  const time = part === "day" ? {} : /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", ...(part === "second" ? { second: "2-digit" } : {}) });
  return new Intl.DateTimeFormat(locale, { ...day, ...time }).format(moment);
}

/** From one moment to another. @param {number} from ms @param {number} to ms */
export function formatSpan(from, to) {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).formatRange(from, to);
}

/** A calendar day, without a time zone. @param {string} day "2026-11-23" */
export function formatDay(day) {
  const date = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(date.getTime())
    ? day
    : new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(date);
}

/** "6 days", "4 hours", "under a minute". @param {number} seconds */
export function formatDuration(seconds) {
  for (const [unit, size] of /** @type {[string, number][]} */ ([["day", 86400], ["hour", 3600], ["minute", 60]])) {
    if (seconds >= size) return t(`duration.${unit}`, { n: Math.floor(seconds / size) });
  }
  return t("duration.moment");
}

/** "48.2 MB", in steps of 1,000. @param {number} bytes */
export function formatBytes(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)) : 0;
  const digits = { maximumFractionDigits: step > 1 ? 1 : 0 };
  return new Intl.NumberFormat(locale, { style: "unit", unit: units[step], unitDisplay: step ? "short" : "long", ...digits }).format(bytes / 1000 ** step);
}
