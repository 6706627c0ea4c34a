// Keys that work on every page. A button that names its key in `aria-keyshortcuts` is pressed by it.
import { allPages } from "./pages/index.js";
import { go, href, route } from "./router.js";
import { effect, signal } from "./vendor/preact.js";

/** Whether the palette is open. */
export const paletteOpen = signal(false);
/** Whether the sheet of keys is open. */
export const sheetOpen = signal(false);

/** What follows "g", by page. @type {Record<string, string>} */
export const GO_KEYS = {
  home: "h", data: "d", tools: "t", automations: "a", plugins: "p", people: "e", activity: "c", settings: "s",
};
/** How long "g" waits for its letter, in milliseconds. */
const GO_MS = 1500;
const TYPING = "input, textarea, select, [contenteditable]";
let goUntil = 0;

/** "⌘" on a Mac, else "Ctrl". */
export const COMMAND_KEY = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

export function listenForKeys() {
  let path = route.value.path;
  // Whatever was open belonged to the place that was left. At once: what is opened at the new place stays.
  effect(() => {
    if (route.value.path === path) return;
    path = route.value.path;
    paletteOpen.value = sheetOpen.value = false;
  });
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() === "k" && !event.shiftKey) togglePalette(event);
      return;
    }
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.closest(TYPING) && !document.querySelector("dialog[open], :popover-open") && press(event.key)) event.preventDefault();
  });
}

/** @param {KeyboardEvent} event */
function togglePalette(event) {
  // Over a question it would hide what is asked.
  if (!paletteOpen.value && document.querySelector("dialog[open]")) return;
  event.preventDefault();
  paletteOpen.value = !paletteOpen.value;
}

/** @param {string} key @returns {boolean} whether something was done */
function press(key) {
  if (performance.now() < goUntil) {
    goUntil = 0;
    const page = allPages().find(({ name }) => GO_KEYS[name] === key);
    if (page) go(href(`/${page.name}`));
    return Boolean(page);
  }
  if (key === "g") goUntil = performance.now() + GO_MS;
  else if (key === "?") sheetOpen.value = true;
  else if (/^[a-z]$/.test(key)) {
    const button = /** @type {HTMLElement|null} */ (document.querySelector(`[aria-keyshortcuts="${key}"]`));
    button?.click();
    return Boolean(button);
  } else return false;
  return true;
}
