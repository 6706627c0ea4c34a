// Whose module is being imported: what registers meanwhile is that plugin's. Modules come one after the other.

/** @typedef {{plugin: string, widgets: string[]}} Registering `widgets`: the fields that its manifest names, as `model.field` */

/** @type {Registering} */
const NOBODY = { plugin: "", widgets: [] };
let now = NOBODY;

/** Who registers just now. */
export function registering() {
  return now;
}

/** @param {Registering} who @param {() => Promise<unknown>} load */
export async function registeringAs(who, load) {
  now = who;
  try {
    await load();
  } finally {
    now = NOBODY;
  }
}
