// Whether what asked for something is still on the page when the answer comes: who has gone on is not led back.
import { useEffect, useRef } from "../vendor/preact.js";

/** @returns {() => boolean} */
export function useHere() {
  const here = useRef(true);
  useEffect(() => () => {
    here.current = false;
  }, []);
  return () => here.current;
}
