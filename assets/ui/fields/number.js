// Whole numbers, kept exact beyond 2^53, and numbers with a fraction.
import { typedNumber } from "../typed_number.js";
import { Unreadable, lineInput, text } from "./text.js";

/** @param {string} draft */
function readInteger(draft) {
  const typed = draft.trim();
  if (typed === "") return null;
  if (!/^[+-]?\d+$/.test(typed)) throw new Unreadable("field.not_integer");
  const value = Number(typed);
  return Number.isSafeInteger(value) ? value : BigInt(typed);
}

/** @param {string} draft */
function readNumber(draft) {
  if (draft.trim() === "") return null;
  const value = Number(typedNumber(draft));
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
