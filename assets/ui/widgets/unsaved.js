// Whatever is typed and not saved is asked about before another page takes its place.
import { holdBack, route } from "../router.js";
import { useEffect, useRef } from "../vendor/preact.js";
import { askToDiscard, isRefused, troublesIn } from "./dialog.js";

// Records ask for themselves, settings keep what was typed, and a search is typed again in a moment.
const OF_THEIR_OWN = ".drawer, .setting-form, [role=search], [data-unasked]";
const TYPED = "textarea, select, input:not([type=checkbox], [type=radio], [type=hidden])";

/** Also before the browser goes elsewhere. @param {() => boolean} loses @param {(to: import("../router.js").Route) => boolean} stays */
export function holdTyped(loses, stays) {
  const onLeave = (/** @type {BeforeUnloadEvent} */ event) => loses() && event.preventDefault();
  addEventListener("beforeunload", onLeave);
  const end = holdBack({ loses: (to) => loses() && !stays(to), ask: askToDiscard });
  return () => {
    removeEventListener("beforeunload", onLeave);
    end();
  };
}

/**
 * For a page whose typing is no form's. @param {boolean} unsaved now
 * @returns {() => void} for when it is saved, before what leads on
 */
export function useUnsaved(unsaved) {
  const typed = useRef(unsaved);
  const saved = useRef(false);
  typed.current = unsaved;
  useEffect(() => {
    const { path } = route.value;
    return holdTyped(() => typed.current && !saved.current, (to) => to.path === path);
  }, []);
  return () => {
    saved.current = true;
  };
}

/** Where it is said what is wrong with what was sent. @param {Element} form */
const around = (form) => form.parentElement || form;

/** Every form of the pages, from what is typed into it until it is taken, emptied or gone. */
export function watchForms() {
  /** @type {Map<HTMLFormElement, string>} */
  const typed = new Map();
  /** @type {WeakMap<Element, Map<Element, string|null>>} */
  const sent = new WeakMap();
  const unsent = (/** @type {HTMLFormElement} */ form, before = sent.get(form)) => !before || isRefused(around(form), before);
  const holds = (/** @type {HTMLFormElement} */ form) =>
    form.isConnected && unsent(form) && [...form.querySelectorAll(TYPED)].some((field) => /** @type {HTMLInputElement} */ (field).value.trim() !== "");
  const loses = () => [...typed.keys()].some(holds);
  addEventListener("input", (event) => {
    const form = event.target instanceof Element ? /** @type {HTMLFormElement|null} */ (event.target.closest("main form")) : null;
    if (!form || form.closest(OF_THEIR_OWN)) return;
    typed.set(form, route.value.path);
    sent.delete(form);
  });
  addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    sent.set(form, troublesIn(around(form)));
    for (const one of typed.keys()) if (!one.isConnected) typed.delete(one);
  }, true);
  addEventListener("reset", (event) => typed.delete(/** @type {HTMLFormElement} */ (event.target)), true);
  holdTyped(loses, (to) => [...typed].every(([form, path]) => !holds(form) || to.path === path));
}
