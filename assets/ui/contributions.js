// What plugins add to the page: their modules are imported when somebody is signed in, and anew when plugins change.
import { request } from "./api.js";
import { t } from "./i18n.js";
import { registeringAs } from "./registering.js";
import { theRest } from "./rest.js";
import { person, returned } from "./store.js";
import { signal, useEffect } from "./vendor/preact.js";
import { say } from "./widgets/toasts.js";

/** @typedef {{plugin: string, title: string, module: string, widgets: string[]}} Contribution */

/** Module addresses by plugin, as they are in force. @type {Map<string, string>} */
const known = new Map();
/** Whether all that plugins add has been asked for once: before, a page that is not known may be one of theirs. */
export const contributed = signal(false);
/** One after the other: what registers while a module is imported is that plugin's. */
let turn = Promise.resolve();

/** @param {Contribution[]} wanted */
async function take(wanted) {
  if (!wanted.length && !known.size) return;
  const [{ dropAll }] = await Promise.all([import("./dropping.js"), theRest()]);
  const modules = new Map(wanted.map((one) => [one.plugin, one.module]));
  for (const [plugin, module] of [...known]) {
    if (modules.get(plugin) === module) continue;
    known.delete(plugin);
    dropAll(plugin);
  }
  for (const { plugin, title, module, widgets } of wanted) {
    if (known.has(plugin)) continue;
    known.set(plugin, module);
    try {
      await registeringAs({ plugin, widgets }, () => import(module));
    } catch (error) {
      // One plugin's mistake is told, and takes nothing else along.
      console.error(error);
      dropAll(plugin);
      say(t("contributions.broken", { name: title, reason: /** @type {Error} */ (error).message }), "bad");
    }
  }
}

/** Asks what there is now. */
export function loadContributions() {
  turn = turn.then(async () => {
    try {
      await take((await request("GET", "/api/v1/ui/contributions")).data);
    } catch {
      // Away, or not allowed: what is there stays, and the next look finds out.
    }
    contributed.value = true;
  });
}

/** Draws nothing; keeps the pages of plugins up to date. */
export function Contributions() {
  const me = person.value?.id;
  useEffect(() => {
    if (me) loadContributions();
  }, [me, returned.value]);
  return null;
}
