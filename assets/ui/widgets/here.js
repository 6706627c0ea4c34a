// Whether who asked for something is still where they asked when the answer comes: who has gone on is not led back.
import { useEffect, useRef } from "../vendor/preact.js";

/** @returns {() => boolean} of the moment in which it was drawn */
export function useHere() {
  const drawn = useRef(true);
  const address = location.hash;
  useEffect(() => () => {
    drawn.current = false;
  }, []);
  // A page that is read anew meanwhile is drawn by others, and still the one of the question.
  return () => drawn.current || location.hash === address;
}
