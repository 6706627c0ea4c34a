// Whole numbers, kept exact beyond 2^53, and numbers with a fraction.
import { Unreadable, lineInput, text } from "./text.js";

/** @param {string} draft */
function readInteger(draft) {
  const typed = draft.trim();
  if (typed === "") return null;
  if (!/^[+-]?\d+$/.test(typed)) throw new Unreadable("field.not_integer");
  const value = Number(typed);
  return Number.isSafeInteger(value) ? value : BigInt(typed);
}

/** "1,234" or "1,234.5": more than a thousand, for whoever writes fractions with a point. */
const GROUPED = /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/;
const withPoint = () => new Intl.NumberFormat(navigator.language).format(0.5).includes(".");

/** @param {string} draft */
function readNumber(draft) {
  const written = draft.trim();
  const typed = GROUPED.test(written) && withPoint() ? written.replaceAll(",", "") : written.replace(",", ".");
  if (typed === "") return null;
  const value = Number(typed);
  if (!Number.isFinite(value)) throw new Unreadable("field.not_number");
  return value;
}

/** @type {import("./text.js").FieldType} */
export const integer = {
  ...text,
  column: "c-num",
  icon: "type-number",
  end: true,
  cell: (value) => String(value),
  Input: lineInput("text", "numeric", "num"),
  fromDraft: readInteger,
};

/** @type {import("./text.js").FieldType} */
export const number = { ...integer, Input: lineInput("text", "decimal", "num"), fromDraft: readNumber };
