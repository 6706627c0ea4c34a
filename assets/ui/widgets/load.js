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
 * @returns {{data: T|null, error: any, slow: boolean, reload: () => void, look: () => void}} `slow` is true once skeletons are due; `reload`: what is under way is too old;
 * `look`: for whoever looks again and again, after what is under way, which would else never end where answers are slow
 */
export function useLoad(load, inputs, about = "") {
  const [state, setState] = useState(/** @type {{data: any, error: any, slow: boolean, about: string}} */ ({ data: null, error: null, slow: false, about }));
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const under = useRef({ way: false, again: false });
  useEffect(() => {
    const cancel = new AbortController();
    let again = 0;
    under.current = { way: true, again: false };
    const ended = () => {
      clearTimeout(timer);
      if (cancel.signal.aborted) return false;
      if (under.current.again) setRound((n) => n + 1);
      under.current.way = false;
      return true;
    };
    const timer = setTimeout(() => setState((now) => ({ ...now, slow: true })), SLOW_MS);
    latest.current(cancel.signal).then(
      (data) => {
        if (ended()) setState({ data, error: null, slow: false, about });
      },
      (error) => {
        if (!ended()) return;
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
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const look = useCallback(() => {
    if (under.current.way) under.current.again = true;
    else reload();
  }, []);
  return { ...state, reload, look };
}
