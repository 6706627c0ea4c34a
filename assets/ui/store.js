// What every page shares. Signals only: a page that reads one is drawn again when it changes.
import { accentOf, readAccent } from "./accent.js";
import { signal } from "./vendor/preact.js";

const root = document.documentElement;

/** Base path of the server, "" or "/x": in front of every address. */
export const base = root.dataset.base || "";
export const version = root.dataset.version || "";

/** @typedef {{id: number, username: string, display_name: string|null, role: string, kind: string}} Person */

/** Who is signed in: undefined while unknown, null when nobody is. @type {import("./types").Signal<Person|null|undefined>} */
export const person = signal(undefined);
/** True when the sign-in has ended while a page was open: it waits, with all that was typed, for its person. */
export const signInEnded = signal(false);
/** True until the first admin exists. */
export const setupNeeded = signal(root.dataset.setup === "needed");
/** True while the server does not answer. */
export const away = signal(false);
/** Counts up each time the server is back, and when something was taken back; pages reload on it. */
export const returned = signal(0);

/** Whatever is open reads anew what it shows. */
export function lookAgain() {
  returned.value += 1;
}
/** @type {import("./types").Signal<import("./types").Model[]|null>} */
export const models = signal(null);
/** @type {import("./types").Signal<{version: string, started_at: string, uptime_seconds: number, address: string, lan: boolean, base_path: string, storage?: any, safe_mode?: {on: boolean, reason: string}}|null>} */
export const server = signal(null);
export const unread = signal(0);
/** Whether the dialogs of the person's menu are open: for the password, for the second factor. */
export const passwordOpen = signal(false);
export const factorOpen = signal(false);
export const theme = signal(stored("theme", "system"));
export const rail = signal(stored("rail", "auto"));
/** "comfortable" or "compact". */
export const density = signal(stored("density", "comfortable"));
/** @type {import("./types").Signal<import("./accent.js").Accent>} */
export const accent = signal(readAccent(stored("accent", "")));

/** @param {string} key @param {string} fallback */
export function stored(key, fallback) {
  try {
    return localStorage.getItem(`gridbear.${key}`) || fallback;
  } catch {
    return fallback;
  }
}

/** @type {(key: string, value: string) => void} */
let tell = () => {};

/** @param {(key: string, value: string) => void} listener hears of every choice that is kept */
export function onKept(listener) {
  tell = listener;
}

/** Takes over a choice that was made elsewhere. @param {string} key @param {string} value */
export function take(key, value) {
  store(key, value);
  if (key === "theme") showTheme(value);
  else if (key === "rail") rail.value = value;
  else if (key === "density") showDensity(value);
  else if (key === "accent") showAccent(value);
}

/** Keeps a choice, here and for the person's other windows. @param {string} key @param {string} value */
export function keep(key, value) {
  store(key, value);
  tell(key, value);
}

/** @param {string} key @param {string} value */
function store(key, value) {
  try {
    localStorage.setItem(`gridbear.${key}`, value);
  } catch {
    // Storage may be refused; the choice then lasts until the page is left.
  }
}

/** @param {string} value "light", "dark" or "system" */
export function chooseTheme(value) {
  keep("theme", value);
  showTheme(value);
}

/** @param {string} value */
function showTheme(value) {
  theme.value = value;
  if (value === "system") delete root.dataset.theme;
  else root.dataset.theme = value;
}

/** @param {string} value "comfortable" or "compact" */
export function chooseDensity(value) {
  keep("density", value);
  showDensity(value);
}

/** @param {string} value */
function showDensity(value) {
  density.value = value === "compact" ? "compact" : "comfortable";
  if (density.value === "compact") root.dataset.density = "compact";
  else delete root.dataset.density;
}

/** @param {string} colour as #rrggbb */
export function chooseAccent(colour) {
  const kept = accentOf(colour);
  keep("accent", kept);
  showAccent(kept);
}

/** @param {string} kept */
function showAccent(kept) {
  accent.value = readAccent(kept);
  root.style.setProperty("--accent-hue", String(accent.value.hue));
  root.style.setProperty("--accent-vivid", String(accent.value.vivid));
}

export function darkNow() {
  return theme.value === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : theme.value === "dark";
}

/** @param {string} name @returns {import("./types").Model|undefined} */
export function modelNamed(name) {
  return models.value?.find((model) => model.name === name);
}

/** @param {import("./types").Model|undefined} model @param {"list"|"read"|"create"|"update"|"delete"} verb */
export function may(model, verb) {
  return Boolean(model && model.verbs[verb] && model.verbs[verb] !== "none");
}

export function isAdmin() {
  return person.value?.role === "admin";
}
