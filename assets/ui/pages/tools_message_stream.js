// The messages of one server as they come: the server says when there are some, while somebody looks.
import { api } from "../api.js";
import { useStream } from "../events.js";
import { useEffect, useRef, useState } from "../vendor/preact.js";

/** In a flood of messages many are read at once. */
const REST_MS = 200;
/** As many as the server keeps. */
const MOST = 1000;

/** @typedef {{sequence: number, time: string, direction: "to_server"|"from_server", kind: "request"|"answer"|"error"|"notification"|"lost", method: string|null, about: string|null, id: string|number|null, answers: number|null, took_ms: number|null, failed: boolean, size: number, cut: boolean, person: number|null, message: any}} Message */
/** @typedef {{watching: boolean, since: string|null, seconds_left: number, last: number, forgotten: number}} Standing */

/** @param {string} at the server's address in the API @param {boolean} paused nothing is asked for meanwhile */
export function useMessages(at, paused) {
  const [state, setState] = useState(/** @type {{told: Standing|null, messages: Message[], error: any}} */ ({ told: null, messages: [], error: null }));
  const seen = useRef({ since: /** @type {string|null} */ (null), last: 0 });
  const look = useLooks(paused, [at], async (signal) => {
    const query = new URLSearchParams({ after: String(seen.current.last), limit: String(MOST) });
    try {
      const { data } = await api.get(`${at}/messages`, { signal, query });
      if (!signal.aborted && !take(data)) look();
    } catch (error) {
      if (!signal.aborted) setState((now) => ({ ...now, error }));
    }
  });
  /** Whether it was what comes after what was seen. @param {Standing & {messages: Message[]}} found */
  const take = ({ messages, ...told }) => {
    // What was seen stays when the watching ends; with a new one it begins anew.
    const anew = told.watching && told.since !== seen.current.since && seen.current.last > 0;
    if (told.watching) seen.current = { since: told.since, last: anew ? 0 : told.last };
    setState((now) => ({ told, error: null, messages: anew ? [] : messages.length ? [...now.messages, ...messages].slice(-MOST) : now.messages }));
    return !anew;
  };
  useStream(paused ? null : `${at}/messages/updates`, { following: look, news: look }, look);
  return { ...state, look };
}

/**
 * One look at a time, and no more often than each `REST_MS`.
 * @param {boolean} paused @param {any[]} of what is looked at @param {(signal: AbortSignal) => Promise<void>} act
 * @returns {() => void} asks for a look; when one goes on, for another after it
 */
function useLooks(paused, of, act) {
  const latest = useRef(act);
  latest.current = act;
  const ask = useRef(() => {});
  useEffect(() => {
    if (paused) return;
    const cancel = new AbortController();
    let busy = false;
    let asked = false;
    const look = async () => {
      asked = true;
      if (busy) return;
      busy = true;
      while (asked && !cancel.signal.aborted) {
        asked = false;
        await latest.current(cancel.signal);
        await new Promise((next) => setTimeout(next, REST_MS));
      }
      busy = false;
    };
    ask.current = look;
    look();
    return () => {
      cancel.abort();
      ask.current = () => {};
    };
  }, [paused, ...of]);
  return () => ask.current();
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
