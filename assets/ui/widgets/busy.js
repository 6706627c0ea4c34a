// One deed at a time: a second click, or Enter beside it, does nothing until the answer to the first is there.
import { useRef, useState } from "../vendor/preact.js";

/**
 * @typedef {(deed: () => any, event?: Event) => Promise<void>} Once `event`: the click that asks for it, of which the second of a double one
 * does nothing even where the first was answered before it
 * @returns {[boolean, Once]} whether one is under way, and what does the next
 */
export function useBusy() {
  const [busy, setBusy] = useState(false);
  const now = useRef(false);
  /** @type {Once} */
  const once = async (deed, event) => {
    if (now.current || (event?.type === "click" && /** @type {MouseEvent} */ (event).detail > 1)) return;
    now.current = true;
    setBusy(true);
    try {
      await deed();
    } finally {
      now.current = false;
      setBusy(false);
    }
  };
  return [busy, once];
}
