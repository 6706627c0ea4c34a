// Which part of a page is open: the last step of the breadcrumb, and of the window's title.
import { signal, useEffect } from "../vendor/preact.js";

/** @type {import("../types").Signal<{label: string, tab: boolean}|null>} */
export const trail = signal(null);

/** @param {string} label nothing where the page itself is all there is @param {boolean} [tab] a tab says it as well, where the bar is narrow */
export function useTrail(label, tab = false) {
  useEffect(() => {
    if (!label) return;
    const mine = { label, tab };
    trail.value = mine;
    return () => {
      // Whatever came after has put its own there.
      if (trail.value === mine) trail.value = null;
    };
  }, [label, tab]);
}
