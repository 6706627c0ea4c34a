// JSON whose integers may be larger than 2^53: those come and go as BigInt, so that no digit is lost.

const LONG_INTEGER = /\d{16}/;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Nobody can write it into a text: it is another one each time that the page is loaded, and never leaves it. */
const MARK = `\ue000${crypto.getRandomValues(new Uint32Array(4)).join("-")}:`;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

/**
 * Like JSON.parse, but integers beyond 2^53 become BigInt.
 * @param {string} text
 * @returns {any}
 */
export function parseJson(text) {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text);
  JSON.parse(text);
  const marked = text.replace(TOKEN, (token) =>
    /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${MARK}${token}"` : token,
  );
  return JSON.parse(marked, (_key, value) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}

/**
 * Like JSON.stringify, but a BigInt is written as the integer it is.
 * @param {any} value
 * @param {number} [indent]
 * @returns {string}
 */
export function formatJson(value, indent) {
  const text = JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? `${MARK}${item}` : item), indent);
  return text === undefined ? "null" : text.replace(MARKED, "$1");
}
