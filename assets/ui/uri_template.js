// Addresses with gaps (RFC 6570): which gaps there are, and the address with them filled in.
import { own } from "./widgets/words.js";

const EXPRESSION = /\{([+#./;?&]?)([^{}]+)\}/g;
/** By operator: what stands before, between, whether with names, and whether letters like / stay as they are. @type {Record<string, [string, string, boolean, boolean]>} */
const OPERATORS = {
  "": ["", ",", false, false], "+": ["", ",", false, true], "#": ["#", ",", false, true], ".": [".", ".", false, false],
  "/": ["/", "/", false, false], ";": [";", ";", true, false], "?": ["?", "&", true, false], "&": ["&", "&", true, false],
};
/** Gaps of these are left out when nothing is said. */
const OPTIONAL = "?&;#";

/** @param {string} list @returns {{name: string, most: number|undefined}[]} */
function gapsOf(list) {
  return list.split(",").map((one) => {
    const [name, most] = one.trim().replace(/\*$/, "").split(":");
    return { name, most: Number(most) || undefined };
  });
}

/** The gaps of a template in their order. @param {string} template @returns {{name: string, need: boolean}[]} */
export function gaps(template) {
  /** @type {Map<string, boolean>} */
  const found = new Map();
  for (const [, operator, list] of template.matchAll(EXPRESSION)) {
    for (const { name } of gapsOf(list)) found.set(name, Boolean(found.get(name)) || !operator || !OPTIONAL.includes(operator));
  }
  return [...found].map(([name, need]) => ({ name, need }));
}

/** @param {string} template @param {Record<string, string>} texts */
export function filledIn(template, texts) {
  return template.replace(EXPRESSION, (_, operator, list) => {
    const [first, between, named, reserved] = OPERATORS[operator];
    const parts = gapsOf(list).filter(({ name }) => own(texts, name)).map(({ name, most }) => {
      const text = texts[name].slice(0, most);
      const written = reserved ? encodeURI(text).replace(/%25([0-9A-Fa-f]{2})/g, "%$1") : encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
      return named ? `${name}=${written}` : written;
    });
    return parts.length ? first + parts.join(between) : "";
  });
}

/**
 * What was filled in to get an address, or null where it can't have come from the template.
 * @param {string} template @param {string} uri @returns {Record<string, string>|null}
 */
export function takenFrom(template, uri) {
  const names = [];
  let pattern = "", end = 0;
  for (const { 0: whole, 1: operator, 2: list, index } of template.matchAll(EXPRESSION)) {
    if (operator !== "" && operator !== "+") return null;
    const inside = gapsOf(list);
    names.push(...inside.map(({ name }) => name));
    pattern += literally(template.slice(end, index)) + inside.map(() => (operator ? "(.*?)" : "([^/?#,]*)")).join(",");
    end = index + whole.length;
  }
  const found = uri.match(new RegExp(`^${pattern}${literally(template.slice(end))}$`));
  if (!found) return null;
  try {
    const texts = Object.fromEntries(names.map((name, n) => [name, decodeURIComponent(found[n + 1])]));
    return filledIn(template, texts) === uri ? texts : null;
  } catch {
    return null;
  }
}

/** @param {string} text for a pattern that means it alone */
function literally(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
