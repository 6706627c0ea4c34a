// The address after "#" is the page and its whole state, so that back, reload and a copied link all work.
import { signal } from "./vendor/preact.js";

/** @typedef {{path: string, parts: string[], query: URLSearchParams}} Route */

/** @param {string} [hash] an address @returns {Route} */
function read(hash = location.hash) {
  const [path, query = ""] = (hash.slice(1) || "/").split("?");
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

/** @typedef {{loses: (to: Route) => boolean, ask: () => Promise<boolean>}} Hold */

/** @type {Set<Hold>} */
const holds = new Set();
let here = location.hash;

/** Asks before another address loses what is being typed. @param {Hold} wanted @returns {() => void} ends it */
export function holdBack(wanted) {
  holds.add(wanted);
  return () => holds.delete(wanted);
}

/** @param {Route} to */
const heldBy = (to) => [...holds].find((hold) => hold.loses(to));

function arrive() {
  here = location.hash;
  route.value = read();
}

addEventListener("hashchange", () => {
  const to = location.hash;
  if (to === here) return;
  const held = heldBy(read());
  if (!held) return arrive();
  history.pushState(null, "", `${location.pathname}${location.search}${here}`);
  askFirst(held, to, {});
});

/** @param {Hold} held @param {string} address @param {{replace?: boolean}} how */
async function askFirst(held, address, how) {
  if (await held.ask()) enter(address, how);
}

/** Before all pages go, as by signing out: asks where something typed would be lost. @returns {Promise<boolean>} whether they may */
export async function mayLeave() {
  const held = heldBy({ path: "", parts: [], query: new URLSearchParams() });
  return !held || held.ask();
}

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
export function go(address, how = {}) {
  const held = heldBy(read(address));
  if (held) askFirst(held, address, how);
  else enter(address, how);
}

/** @param {string} address @param {{replace?: boolean}} how */
function enter(address, { replace = false }) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  arrive();
}
