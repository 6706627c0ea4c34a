// One deed at a time: a second click, or Enter beside it, does nothing until the answer to the first is there.
import { useRef, useState } from "../vendor/preact.js";

/** @returns {[boolean, (deed: () => Promise<any>) => Promise<void>]} whether one is under way, and what does the next */
export function useBusy() {
  const [busy, setBusy] = useState(false);
  const now = useRef(false);
  const once = async (/** @type {() => Promise<any>} */ deed) => {
    if (now.current) return;
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
