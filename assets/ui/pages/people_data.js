// What the parts of People share: who somebody is, deeds that say what went wrong, and ends that can be taken back.
import { api } from "../api.js";
import { lookAgain } from "../store.js";
import { sayWithUndo } from "../undo.js";
import { t } from "../i18n.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

export const ROLES = ["admin", "member", "guest"];
const MOST = 500;

/** @param {any} user */
export function nameOf(user) {
  return user.display_name || user.username;
}

/** Does something; what goes wrong is said. @param {() => Promise<any>} deed @returns {Promise<boolean>} whether it went well */
export async function attempt(deed) {
  try {
    await deed();
    return true;
  } catch (problem) {
    say(sentence(problem), "bad");
    return false;
  }
}

/** Ends one record, and offers to take that back. @param {string} model @param {number} id @param {string} text @returns {Promise<boolean>} */
export function end(model, id, text) {
  return attempt(async () => {
    const { data } = await api.delete(`/api/v1/${model}/bulk`, { query: `id=${id}` });
    sayWithUndo(text, data.undo);
  });
}

/** Makes a record whose making can be taken back. @param {string} model @param {Record<string, any>} values @param {string} text */
export function make(model, values, text) {
  return attempt(async () => {
    const { data } = await api.post(`/api/v1/${model}`, values);
    const back = async () => {
      if (await end(model, data.id, t("undo.done", { n: 1 }))) lookAgain();
    };
    say(text, "ok", { label: t("undo.do"), run: back });
  });
}

/** Everybody, for choices. */
export function useEverybody() {
  return useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/users", { signal, query: `sort=username:nocase&limit=${MOST}&total=false&fields=id,username,display_name,role,is_active` })).data), []);
}

/** All groups and who is in them. @param {number} [round] asks again when it changes */
export function useGroups(round = 0) {
  return useLoad(async (signal) => {
    const [groups, members] = await Promise.all([
      api.get("/api/v1/groups", { signal, query: `sort=name:nocase&limit=${MOST}&total=false` }),
      api.get("/api/v1/group_members", { signal, query: `limit=${MOST}&total=false&expand=user_id` }),
    ]);
    return { groups: /** @type {any[]} */ (groups.data), members: /** @type {any[]} */ (members.data) };
  }, [round]);
}
