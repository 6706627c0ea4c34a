// Days without a time zone, and moments: typed in the reader's own zone, stored in UTC.
import { formatDay } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Ago } from "../widgets/time.js";
import { Unreadable, lineInput, text } from "./text.js";

/** @param {number} n @param {number} [width] */
const pad = (n, width = 2) => String(n).padStart(width, "0");

/** @param {any} iso */
function toLocal(iso) {
  const date = new Date(iso ?? NaN);
  if (Number.isNaN(date.getTime())) return "";
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const seconds = date.getSeconds() ? `:${pad(date.getSeconds())}` : "";
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}${seconds}`;
}

const TO_MINUTES = "2026-11-30T10:30".length;

/** @param {string} draft */
function readLocal(draft) {
  if (!draft) return null;
  const date = new Date(draft);
  if (Number.isNaN(date.getTime())) throw new Unreadable("field.not_moment");
  // Where clocks are put forward, an hour is left out: another one would be stored.
  if (toLocal(date).slice(0, TO_MINUTES) !== draft.slice(0, TO_MINUTES)) throw new Unreadable("field.no_such_time");
  return date.toISOString();
}

/** @type {import("./text.js").FieldType} */
export const date = {
  ...text,
  column: "c-date",
  icon: "calendar",
  cell: (value) => formatDay(value),
  Input: lineInput("date"),
  fromDraft: (draft) => draft || null,
};

/** @type {import("./text.js").FieldType} */
export const datetime = {
  ...text,
  column: "c-date",
  icon: "clock",
  soft: true,
  cell: (value) => html`<${Ago} iso=${value} />`,
  Input: lineInput("datetime-local"),
  toDraft: toLocal,
  fromDraft: readLocal,
};
