// Loading something for a page: keeps what was there, starts again when asked or when the server is back.
import { returned } from "../store.js";
import { useCallback, useEffect, useRef, useState } from "../vendor/preact.js";

export const SLOW_MS = 150;
/** A server that is only busy or starting is asked again by itself. */
const AGAIN_MS = 5000;
const PASSING = [429, 502, 503, 504];

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {any[]} inputs loads again when one changes
 * @param {string} [about] what the answer is about: where that is another thing by now and can't be had, the former answer goes
 * @returns {{data: T|null, error: any, slow: boolean, reload: () => void}} `slow` is true once skeletons are due
 */
export function useLoad(load, inputs, about = "") {
  const [state, setState] = useState(/** @type {{data: any, error: any, slow: boolean, about: string}} */ ({ data: null, error: null, slow: false, about }));
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const cancel = new AbortController();
    let again = 0;
    const timer = setTimeout(() => setState((now) => ({ ...now, slow: true })), SLOW_MS);
    latest.current(cancel.signal).then(
      (data) => {
        clearTimeout(timer);
        if (!cancel.signal.aborted) setState({ data, error: null, slow: false, about });
      },
      (error) => {
        clearTimeout(timer);
        if (cancel.signal.aborted) return;
        // Who typed a filter wrongly corrects it beside what they saw.
        setState((now) => ({ ...now, data: now.about === about || error.status === 422 ? now.data : null, error, slow: false }));
        if (PASSING.includes(error.status)) again = setTimeout(() => setRound((n) => n + 1), Math.max(AGAIN_MS, (error.retryAfter || 0) * 1000));
      },
    );
    return () => {
      clearTimeout(timer);
      clearTimeout(again);
      cancel.abort();
    };
  }, [...inputs, round, returned.value]);
  return { ...state, reload: useCallback(() => setRound((n) => n + 1), []) };
}
