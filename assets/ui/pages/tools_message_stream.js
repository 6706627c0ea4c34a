// The messages of one server as they come: asked for again each second while somebody looks.
import { api } from "../api.js";
import { useEffect, useRef, useState } from "../vendor/preact.js";

const LOOK_MS = 1000;
const CALM_MS = 5000;
/** As many as the server keeps. */
const MOST = 1000;

/** @typedef {{sequence: number, time: string, direction: "to_server"|"from_server", kind: "request"|"answer"|"error"|"notification"|"lost", method: string|null, about: string|null, id: string|number|null, answers: number|null, took_ms: number|null, failed: boolean, size: number, cut: boolean, person: number|null, message: any}} Message */
/** @typedef {{watching: boolean, since: string|null, seconds_left: number, last: number, forgotten: number}} Standing */

/** @param {string} at the server's address in the API @param {boolean} paused nothing is asked for meanwhile */
export function useMessages(at, paused) {
  const [state, setState] = useState(/** @type {{told: Standing|null, messages: Message[], error: any}} */ ({ told: null, messages: [], error: null }));
  const [round, setRound] = useState(0);
  const seen = useRef({ since: /** @type {string|null} */ (null), last: 0 });
  const watching = state.told?.watching;
  useEffect(() => {
    if (paused) return;
    const cancel = new AbortController();
    let timer = 0;
    const look = async () => {
      let pause = watching ? LOOK_MS : CALM_MS;
      if (document.visibilityState === "visible") {
        try {
          const query = new URLSearchParams({ after: String(seen.current.last), limit: String(MOST) });
          const { data } = await api.get(`${at}/messages`, { signal: cancel.signal, query });
          if (cancel.signal.aborted) return;
          if (!take(data)) pause = 0;
        } catch (error) {
          if (!cancel.signal.aborted) setState((now) => ({ ...now, error }));
        }
      }
      if (!cancel.signal.aborted) timer = setTimeout(look, pause);
    };
    /** Whether it was what comes after what was seen. @param {Standing & {messages: Message[]}} found */
    const take = ({ messages, ...told }) => {
      // What was seen stays when the watching ends; with a new one it begins anew.
      const anew = told.watching && told.since !== seen.current.since && seen.current.last > 0;
      if (told.watching) seen.current = { since: told.since, last: anew ? 0 : told.last };
      setState((now) => ({ told, error: null, messages: anew ? [] : messages.length ? [...now.messages, ...messages].slice(-MOST) : now.messages }));
      return !anew;
    };
    look();
    return () => {
      cancel.abort();
      clearTimeout(timer);
    };
  }, [at, paused, watching, round]);
  return { ...state, look: () => setRound((n) => n + 1) };
}

/** @type {WeakMap<Message, string>} */
const texts = new WeakMap();

/** The same words that a search on the server looks at. @param {Message} one */
function textOf(one) {
  let text = texts.get(one);
  if (text === undefined) texts.set(one, (text = `${one.method || ""} ${one.about || ""} ${one.id} ${JSON.stringify(one.message)}`.toLowerCase()));
  return text;
}

/** @param {Message[]} messages @param {string} kind "" is all, "failed" what went wrong @param {string} words */
export function matching(messages, kind, words) {
  const wanted = words.trim().toLowerCase();
  return messages.filter((one) => (!kind || (kind === "failed" ? one.failed : one.kind === kind)) && (!wanted || textOf(one).includes(wanted)));
}
