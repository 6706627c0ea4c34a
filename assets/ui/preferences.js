// What a person prefers, on the server: fetched once they are known, kept in this browser as well for the first paint.
// What the server has not taken yet is remembered, also when the page is left, and sent once it answers again.
import { request } from "./api.js";
import { onKept, person, returned, stored, take } from "./store.js";
import { takeZone } from "./time_zone.js";
import { effect } from "./vendor/preact.js";

const PREFIX = "ui.";
const UNSENT = "gridbear.unsent";
const SEND_MS = 400;
const AGAIN_MS = 5000;
/** Choices that the server has not taken yet, and whose they are. @type {Map<string, string>} */
const waiting = new Map();
let owner = 0;
/** Whose preferences this browser has taken over. */
let known = 0;
let timer = 0;
let sending = false;

/** Follows who is signed in, and keeps on the server what they choose from then on. */
export function sharePreferences() {
  recall();
  // Who is there has changed, or the server is back.
  effect(() => {
    const me = person.value;
    if (returned.value >= 0 && me?.id) follow(me.id);
  });
  addEventListener("pagehide", () => send());
  onKept((key, value) => {
    const me = person.value?.id;
    if (!me) return;
    if (me !== owner) waiting.clear();
    owner = me;
    waiting.set(key, value);
    remember();
    later(SEND_MS);
  });
}

/** @param {number} id */
function follow(id) {
  if (id === known) return send();
  return fetchAll(id);
}

/** @param {number} id */
async function fetchAll(id) {
  try {
    const { data } = await request("GET", "/api/v1/preferences", {
      // An admin may list everybody's.
      query: `owner_id=${id}&limit=500&total=false&fields=key,value`,
    });
    if (person.value?.id !== id) return;
    takeZone(data);
    if (id !== owner) {
      // From here on this browser shows the choices of somebody else.
      waiting.clear();
      remember();
    }
    for (const row of data) {
      const key = row.key.slice(PREFIX.length);
      if (row.key.startsWith(PREFIX) && typeof row.value === "string" && !waiting.has(key)) take(key, row.value);
    }
    known = id;
    await send();
  } catch (problem) {
    // A choice of this browser stands until the server answers again.
    if (passes(problem)) later(AGAIN_MS);
  }
}

async function send() {
  clearTimeout(timer);
  if (sending || !known || owner !== known || person.value?.id !== known) return;
  sending = true;
  try {
    for (const [key, chosen] of [...waiting]) {
      // Another window of this browser may have chosen since.
      const value = stored(key, chosen);
      await request("POST", "/api/v1/preferences", { query: "upsert=key", body: { key: PREFIX + key, value } }).catch(
        (problem) => {
          // What is refused for good is kept by this browser alone.
          if (problem.status === 0 || problem.status === 401 || passes(problem)) throw problem;
        },
      );
      if (waiting.get(key) === chosen) waiting.delete(key);
      remember();
    }
  } catch (problem) {
    // Without an answer or a sign-in it goes on when there is one again.
    if (passes(problem)) later(AGAIN_MS);
    return;
  } finally {
    sending = false;
  }
  if (waiting.size) later(SEND_MS);
}

/** @param {number} ms */
function later(ms) {
  clearTimeout(timer);
  timer = setTimeout(() => person.value?.id && follow(person.value.id), ms);
}

/** Whether the server was only busy. @param {any} problem */
function passes(problem) {
  return problem.status === 429 || problem.status >= 500;
}

function remember() {
  try {
    if (waiting.size) localStorage.setItem(UNSENT, JSON.stringify({ owner, choices: [...waiting] }));
    else localStorage.removeItem(UNSENT);
  } catch {
    // Storage may be refused; what waits then lasts until the page is left.
  }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(UNSENT) || "null");
    if (!kept) return;
    owner = kept.owner;
    for (const [key, value] of kept.choices) waiting.set(key, value);
  } catch {
    // Storage is refused, or somebody else wrote there.
  }
}
