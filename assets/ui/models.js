// The list of models: read at sign-in, and again whenever models themselves were made or changed.
import { request } from "./api.js";
import { models } from "./store.js";
import { signal } from "./vendor/preact.js";

/** Why the list could not be read, or null. @type {import("./types").Signal<any>} */
export const modelsTrouble = signal(null);

const FRESH_MS = 3000;
let read = 0;
let asked = 0;
let taken = 0;

/** Reads the list anew, unless that was done just now. */
export async function refreshModels() {
  if (Date.now() - read > FRESH_MS) await loadModels();
}

export async function loadModels() {
  read = Date.now();
  asked += 1;
  const round = asked;
  // An answer that was asked for earlier may come later: it does not stand over a newer one.
  const isNews = () => round > taken && (taken = round) > 0;
  try {
    const found = (await request("GET", "/api/v1/models")).data;
    if (!isNews()) return;
    for (const model of found) for (const field of model.fields) field.model = model.name;
    models.value = found;
    modelsTrouble.value = null;
  } catch (error) {
    if (isNews()) modelsTrouble.value = error;
  }
}
