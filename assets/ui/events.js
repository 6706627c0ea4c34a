// What changes on the server while a page is open, as it happens. Hidden pages do not listen; they look again when seen.
import { lookForServer } from "./api.js";
import { base } from "./store.js";
import { useEffect, useRef } from "./vendor/preact.js";

/** @typedef {{model: string, verb: string, id: number}} Change */

/** Browsers call again by themselves after a break, but not after a refusal, as of a server that is busy or starting. */
const AGAIN_MS = 5000;

/**
 * @param {string[]} names of models; "models" tells of models themselves
 * @param {(change: Change) => void} onChange @param {() => void} onMissed something was missed: read anew
 */
export function useEvents(names, onChange, onMissed) {
  const latest = useRef({ onChange, onMissed });
  latest.current = { onChange, onMissed };
  const listed = names.join(",");
  useEffect(() => {
    /** @type {EventSource|null} */
    let source = null;
    let again = 0;
    const open = () => {
      source = new EventSource(`${base}/api/v1/events?models=${listed}`);
      source.addEventListener("change", (event) => latest.current.onChange(JSON.parse(event.data)));
      source.addEventListener("resync", () => latest.current.onMissed());
      source.addEventListener("error", () => {
        lookForServer();
        if (source?.readyState !== EventSource.CLOSED) return;
        close();
        again = window.setTimeout(turn, AGAIN_MS);
      });
    };
    const close = () => {
      clearTimeout(again);
      source?.close();
      source = null;
    };
    const turn = () => {
      if (document.visibilityState !== "visible") return close();
      if (source) return;
      open();
      latest.current.onMissed();
    };
    if (document.visibilityState === "visible") open();
    document.addEventListener("visibilitychange", turn);
    return () => {
      document.removeEventListener("visibilitychange", turn);
      close();
    };
  }, [listed]);
}

/** Changes come in bursts; one look at the end of each is enough. */
const BURST_MS = 250;

/** Reads anew a moment after the last change of any of these models. @param {string[]} names @param {() => void} reload */
export function useFresh(names, reload) {
  const timer = useRef(0);
  const soon = () => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(reload, BURST_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(names, soon, soon);
}
