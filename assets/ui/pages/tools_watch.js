// A resource that is watched: its server says when it changes, and it is read anew.
import { lookForServer } from "../api.js";
import { base } from "../store.js";
import { html, useEffect, useRef } from "../vendor/preact.js";

/** @typedef {{uri: string, changed: number, at: number}} Watch `at`: when it changed last */

/** Draws nothing. @param {{at: string, uri: string, changed: () => void, refused: () => void}} props `at`: the server's address in the API */
export function Watching({ at, uri, changed, refused }) {
  const latest = useRef({ changed, refused });
  latest.current = { changed, refused };
  useEffect(() => {
    const source = new EventSource(`${base}${at}/resources/updates?${new URLSearchParams({ uri })}`);
    let before = false;
    source.addEventListener("watching", () => {
      // After a break something may have been missed.
      if (before) latest.current.changed();
      before = true;
    });
    source.addEventListener("updated", () => latest.current.changed());
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) latest.current.refused();
      else lookForServer();
    });
    return () => source.close();
  }, [at, uri]);
  return html``;
}
