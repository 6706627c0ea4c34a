// What the palette finds: pages, models, commands, and records by the server's own search.
import { api } from "../api.js";
import { allCommands } from "../commands.js";
import { t } from "../i18n.js";
import { ACCOUNT, allPages } from "../pages/index.js";
import { href } from "../router.js";
import { GO_KEYS } from "../shortcuts.js";
import { keep, may, models, stored } from "../store.js";
import { modelIcon } from "./model_icon.js";
import { inSentence, titleOf } from "./words.js";

/** @typedef {{id: string, group: string, icon: string, label: string, where?: string, keys?: string[], address?: string, run?: () => void}} Hit */

const RECENT = "palette";
const RECENT_MOST = 5;
/** So many of a group are shown. */
const GROUP_MOST = 8;
/** So many models are asked for records, and each for so many. */
const MODELS_ASKED = 8;
const RECORDS_EACH = 4;
const MORE_MODELS = ["users", "mcp_servers", "files"];

/** @param {string} text lower case and without accents */
const plain = (text) => text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();

/** @returns {Hit[]} all that needs no question to the server */
function everything() {
  const listed = (models.value || []).filter((model) => may(model, "list"));
  return [
    ...[...allPages(), ACCOUNT].map((page) => ({
      id: `page ${page.name}`, group: "pages", icon: page.icon, label: t(page.label), address: href(`/${page.name}`),
      keys: GO_KEYS[page.name] && ["g", GO_KEYS[page.name]],
    })),
    ...listed.map((model) => ({ id: `model ${model.name}`, group: "models", icon: modelIcon(model), label: model.label_plural, where: model.name, address: href(`/data/${model.name}`) })),
    ...listed.filter((model) => may(model, "create")).map((model) => ({
      id: `new ${model.name}`, group: "commands", icon: "plus", label: t("palette.new", { name: inSentence(model.label) }), address: href(`/data/${model.name}`, { record: "new" }),
    })),
    ...allCommands().map((one) => ({ id: `do ${one.name}`, group: "commands", icon: one.icon || "play", label: t(one.label), where: one.plugin, address: one.address, run: one.run })),
  ];
}

/** How well `label` fits the words; 0 where one of them is missing. @param {string} label @param {string[]} words */
function fit(label, words) {
  const text = plain(label);
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return 0;
    sum += at === 0 ? 3 : /\W/.test(text[at - 1]) ? 2 : 1;
  }
  return sum + 1 / text.length;
}

/** What fits the text, best first in each group; with no text what was used last, and the pages. @param {string} asked @returns {Hit[]} */
export function hitsFor(asked) {
  const all = everything();
  const words = plain(asked).split(/\s+/).filter(Boolean);
  if (!words.length) {
    const recent = used().flatMap((id) => all.filter((hit) => hit.id === id)).map((hit) => ({ ...hit, group: "recent" }));
    return [...recent, ...all.filter((hit) => hit.group === "pages"), ...all.filter((hit) => hit.id.startsWith("do ")).slice(0, GROUP_MOST)];
  }
  const scored = all.map((hit) => ({ hit, score: Math.max(fit(hit.label, words), fit(hit.where || "", words) / 2) }));
  const best = scored.filter((one) => one.score > 0).sort((a, b) => b.score - a.score);
  return ["pages", "models", "commands"].flatMap((group) => best.filter((one) => one.hit.group === group).slice(0, GROUP_MOST).map((one) => one.hit));
}

/** Records that the server finds for the text. A model that can't be asked is left out. @param {string} asked @param {AbortSignal} signal @returns {Promise<Hit[]>} */
export async function recordsFor(asked, signal) {
  const wanted = (models.value || [])
    .filter((model) => model.searchable.length && may(model, "list") && (model.group !== "system" || MORE_MODELS.includes(model.name)))
    .slice(0, MODELS_ASKED);
  const query = new URLSearchParams({ q: asked, limit: String(RECORDS_EACH), total: "false" });
  const found = await Promise.all(wanted.map((model) => api.get(`/api/v1/${model.name}`, { query, signal }).then(
    ({ data }) => data.map((/** @type {import("../types").Row} */ row) => ({
      id: `record ${model.name} ${row.id}`, group: "records", icon: modelIcon(model), label: titleOf(model, row), where: model.label, address: href(`/data/${model.name}`, { record: String(row.id) }),
    })),
    () => [],
  )));
  return found.flat();
}

/** @param {Hit} hit is remembered, unless it is a record */
export function remember(hit) {
  if (hit.group === "records") return;
  keep(RECENT, JSON.stringify([hit.id, ...used().filter((id) => id !== hit.id)].slice(0, RECENT_MOST)));
}

/** @returns {string[]} */
function used() {
  try {
    const kept = JSON.parse(stored(RECENT, "[]"));
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** The label in pieces, every second of which is what was asked for. @param {string} label @param {string} asked @returns {string[]} */
export function pieces(label, asked) {
  const words = plain(asked).split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // Only where taking accents away moves no letter.
  if (!words.length || plain(label).length !== label.length) return [label];
  const marks = [...plain(label).matchAll(new RegExp(words.join("|"), "g"))];
  let at = 0;
  const parts = marks.flatMap((mark) => {
    const before = label.slice(at, mark.index);
    at = mark.index + mark[0].length;
    return [before, label.slice(mark.index, at)];
  });
  return [...parts, label.slice(at)];
}
