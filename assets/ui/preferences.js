// What a person prefers, on the server: fetched once they are known, kept in this browser as well for the first paint.
import { request } from "./api.js";
import { onKept, person, take } from "./store.js";
import { effect } from "./vendor/preact.js";

const PREFIX = "ui.";
const SEND_MS = 400;
/** @type {Map<string, string>} */
const waiting = new Map();
let timer = 0;
/** Whose preferences this browser has taken over. */
let known = 0;

/** Follows who is signed in, and keeps on the server what they choose from then on. */
export function sharePreferences() {
  effect(() => {
    const me = person.value;
    if (me?.id && me.id !== known) fetchAll(me.id);
  });
  onKept((key, value) => {
    if (!known) return;
    waiting.set(key, value);
    clearTimeout(timer);
    timer = setTimeout(send, SEND_MS);
  });
}

/** @param {number} id */
async function fetchAll(id) {
  try {
    const { data } = await request("GET", "/api/v1/preferences", { query: "limit=500&total=false&fields=key,value" });
    if (person.value?.id !== id) return;
    for (const row of data) {
      if (row.key.startsWith(PREFIX) && typeof row.value === "string") take(row.key.slice(PREFIX.length), row.value);
    }
    known = id;
  } catch {
    // A choice of this browser stands until the server answers again.
  }
}

async function send() {
  const chosen = [...waiting];
  waiting.clear();
  for (const [key, value] of chosen) {
    const body = { key: PREFIX + key, value };
    try {
      await request("POST", "/api/v1/preferences", { query: "upsert=key", body });
    } catch {
      // This browser still has it; the next change is sent again.
    }
  }
}
