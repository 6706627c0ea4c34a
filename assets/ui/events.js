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
  useStream(`/api/v1/events?models=${names}`, { change: onChange, resync: onMissed }, onMissed);
}

/**
 * @param {string|null} path of a stream of events; null: none is listened to @param {Record<string, (data: any) => void>} hears by the names of events, always the same ones
 * @param {() => void} onMissed nobody listened for a while
 */
export function useStream(path, hears, onMissed) {
  const latest = useRef({ hears, onMissed });
  latest.current = { hears, onMissed };
  useEffect(() => {
    if (!path) return;
    /** @type {EventSource|null} */
    let source = null;
    let again = 0;
    const open = () => {
      source = new EventSource(base + path);
      for (const name of Object.keys(hears)) source.addEventListener(name, (event) => latest.current.hears[name](JSON.parse(event.data)));
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
  }, [path]);
}

/** Changes come in bursts; one look at the end of each is enough. */
const BURST_MS = 250;

/** Reads anew a moment after a change of any of these models, however fast they come. @param {string[]} names @param {() => void} reload */
export function useFresh(names, reload) {
  const timer = useRef(0);
  const latest = useRef(reload);
  latest.current = reload;
  const soon = () => {
    timer.current ||= window.setTimeout(() => {
      timer.current = 0;
      latest.current();
    }, BURST_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(names, soon, soon);
}
