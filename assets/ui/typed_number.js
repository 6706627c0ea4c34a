// A number as people type it: with a point or a comma before its fraction, and with commas between thousands.

/** "1,234" or "1,234.5": more than a thousand, for whoever writes fractions with a point. */
const GROUPED = /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/;
const WHOLE = /^[+-]?\d+$/;
const withPoint = () => new Intl.NumberFormat(navigator.language).format(0.5).includes(".");

/** @param {string} text @returns {number|bigint} whole ones exact beyond 2^53 as well; NaN for what is none */
export function typedNumber(text) {
  const written = text.trim();
  if (written === "") return NaN;
  const typed = GROUPED.test(written) && withPoint() ? written.replaceAll(",", "") : written.replace(",", ".");
  const value = Number(typed);
  return WHOLE.test(typed) && !Number.isSafeInteger(value) ? BigInt(typed.replace("+", "")) : value;
}
