// The address after "#" is the page and its whole state, so that back, reload and a copied link all work.
import { signal } from "./vendor/preact.js";

/** @typedef {{path: string, parts: string[], query: URLSearchParams}} Route */

/** @returns {Route} */
function read() {
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?");
  const parts = path.split("/").filter(Boolean).map(decodePart);
  return { path: `/${parts.join("/")}`, parts, query: new URLSearchParams(query) };
}

/** @param {string} part */
function decodePart(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @type {import("./types").Signal<Route>} */
export const route = signal(read());

addEventListener("hashchange", () => {
  route.value = read();
});

/**
 * @param {string} path
 * @param {URLSearchParams|Record<string, string|number|null|undefined>} [query] empty values are left out
 */
export function href(path, query) {
  const search = new URLSearchParams();
  const entries = query instanceof URLSearchParams ? query.entries() : Object.entries(query || {});
  for (const [key, value] of entries) if (value !== null && value !== undefined && value !== "") search.append(key, String(value));
  return `#${path}${search.size ? `?${search}` : ""}`;
}

/** @param {string} address from href() @param {{replace?: boolean}} [how] */
export function go(address, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  route.value = read();
}
