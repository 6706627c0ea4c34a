// Deleting and changing with a way back: the server tells which entries of its history a request wrote, and undoes them.
import { api } from "./api.js";
import { t } from "./i18n.js";
import { lookAgain, person, server } from "./store.js";
import { confirm } from "./widgets/dialog.js";
import { say } from "./widgets/toasts.js";
import { sentence } from "./widgets/trouble.js";
import { inSentence } from "./widgets/words.js";

/** @typedef {{first: number, last: number}} Range entries of the history */

/** A model's name in a sentence, in the right number. @param {import("./types").Model} model @param {number} n */
export function nameOf(model, n) {
  return inSentence(n === 1 ? model.label : model.label_plural);
}

/** Whether a deleted record comes back whole. Secrets are in no history, and a full disk stops it. @param {import("./types").Model} model */
function comesBack(model) {
  return keepsHistory(model) && !model.fields.some((field) => field.write_only);
}

/** @param {import("./types").Model} model */
function keepsHistory(model) {
  return model.history && (server.value?.storage?.state ?? "ok") === "ok";
}

/**
 * Says what was done and offers to take it back; the undoing can be undone as well.
 * @param {string} text @param {Range|null|undefined} range null where nothing can be undone
 */
export function sayWithUndo(text, range) {
  say(text, "ok", range ? { label: t("undo.do"), run: () => undo(range) } : undefined);
}

/** @param {Range} range */
async function undo(range) {
  try {
    const { data } = await api.post("/api/v1/undo", range);
    lookAgain();
    sayWithUndo(t("undo.done", { n: data.count }), data.undo);
  } catch (error) {
    say(sentence(error), "bad");
  }
}

/**
 * Deletes what a query of the API selects. Asks first where it could not be undone, or where it is more than one sees.
 * @param {import("./types").Model} model @param {string} query @param {number} n how many they are
 * @param {{unseen?: boolean, after: () => void}} how @returns {Promise<boolean>} whether they are gone
 */
export async function removeRecords(model, query, n, { unseen = false, after }) {
  const path = `/api/v1/${model.name}/bulk`;
  const back = comesBack(model);
  if (!back || unseen) {
    if (unseen) {
      try {
        n = (await api.delete(path, { query: `${query}&dry_run=true` })).data.count;
      } catch (error) {
        say(sentence(error), "bad");
        return false;
      }
    }
    const name = nameOf(model, n);
    const words = t(back ? "data.delete_back" : keepsHistory(model) ? "data.delete_secrets" : "data.delete_words", { n });
    const verb = t("data.delete", { n, name });
    const asked = { heading: t("data.delete_ask", { n, name }), words, verb, stay: t("data.delete_keep", { n }), danger: true };
    if (!(await confirm(asked))) return false;
  }
  try {
    const { data } = await api.delete(path, { query });
    sayWithUndo(t("data.deleted", { n: data.count, name: nameOf(model, data.count) }), data.undo);
    after();
    return true;
  } catch (error) {
    say(sentence(error), "bad");
    return false;
  }
}

/**
 * After one record was changed: offers to take back the latest change of it, if that was one's own.
 * @param {import("./types").Model} model @param {import("./types").Row} row as it is now @param {string} text
 */
export function sayChanged(model, row, text) {
  if (!keepsHistory(model)) return say(text);
  const back = async () => {
    try {
      const { data } = await api.get(`/api/v1/${model.name}/${row.id}/history`, { query: "limit=1" });
      const [entry] = data;
      if (!["create", "update"].includes(entry?.verb) || entry.actor_id !== person.value?.id) return say(t("undo.changed_since"), "bad");
      await undo({ first: entry.id, last: entry.id });
    } catch (error) {
      say(sentence(error), "bad");
    }
  };
  say(text, "ok", { label: t("undo.do"), run: back });
}
