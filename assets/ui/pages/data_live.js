// A grid that stays true: rows changed elsewhere are drawn anew where they stand, new ones wait until asked for.
import { PATIENCE_MS, api } from "../api.js";
import { useEvents } from "../events.js";
import { loadModels } from "../models.js";
import { useEffect, useRef, useState } from "../vendor/preact.js";
import { expanded } from "./data_query.js";

const GATHER_MS = 600;
const FLASH_MS = 1500;

/**
 * @typedef {import("../events.js").Change & {at: number}} Heard `at`: when, in milliseconds of the page
 * @typedef {{row: import("../types").Row, at: number}} Fresh a row as it was known to be then
 */

/**
 * @param {import("../types").Model} model @param {any} page from useLoad; its data tell when they were `asked` for @param {URLSearchParams} filters what selects the rows
 * @returns {{rows: import("../types").Row[], flashing: Set<number>, gone: Set<number>, waiting: number, put: (row: import("../types").Row) => void}} `put` draws a row anew; `waiting`: new rows, -1 when nobody knows how many
 */
export function useLiveRows(model, page, filters) {
  const [fresh, setFresh] = useState(/** @type {Map<number, Fresh>} */ (new Map()));
  const [flashing, setFlashing] = useState(/** @type {Set<number>} */ (new Set()));
  const [gone, setGone] = useState(/** @type {Set<number>} */ (new Set()));
  const [waiting, setWaiting] = useState(0);
  const gathered = useRef(/** @type {Heard[]} */ ([]));
  const looked = useRef(/** @type {Heard[]} */ ([]));
  const timer = useRef(0);
  const shownPage = useRef(page.data);
  shownPage.current = page.data;
  const lookSoon = () => {
    timer.current ||= window.setTimeout(() => look(), GATHER_MS);
  };
  useEffect(() => {
    const isLater = (/** @type {{at: number}} */ one) => one.at >= page.data?.asked;
    setFresh((now) => new Map([...now].filter(([, one]) => isLater(one))));
    setGone(new Set());
    setWaiting(0);
    // What happened since it was asked for may not be in the answer, also what was looked at before it came.
    gathered.current = [...looked.current, ...gathered.current].filter(isLater);
    looked.current = [];
    if (gathered.current.length) lookSoon();
  }, [page.data]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const rows = (page.data?.data || []).map((/** @type {any} */ row) => {
    const newer = fresh.get(row.id);
    return newer && newer.at >= page.data.asked ? newer.row : row;
  });
  const shown = useRef(/** @type {Set<number>} */ (new Set()));
  shown.current = new Set(rows.map((/** @type {any} */ row) => row.id));

  const look = async () => {
    timer.current = 0;
    const heard = gathered.current;
    gathered.current = [];
    looked.current = [...looked.current, ...heard].filter((one) => one.at > performance.now() - PATIENCE_MS);
    const those = (/** @type {string} */ verb) => new Set(heard.filter((one) => one.verb === verb).map((one) => one.id));
    const deleted = those("delete");
    const added = [...those("create")].filter((id) => !shown.current.has(id) && !deleted.has(id));
    const changed = [...those("update")].filter((id) => shown.current.has(id) && !deleted.has(id));
    const lost = [...deleted].filter((id) => shown.current.has(id));
    const imported = heard.some((one) => !["create", "update", "delete"].includes(one.verb));
    if (lost.length) setGone((now) => new Set([...now, ...lost]));
    if (imported) setWaiting(-1);
    try {
      if (changed.length) await renew(changed);
      if (added.length && !imported) await count(added);
    } catch {
      // The rows then stay as they are; the next load shows them.
    }
  };
  const renew = async (/** @type {number[]} */ ids) => {
    const query = new URLSearchParams({ id__in: ids.join(","), limit: String(ids.length), total: "false" });
    if (expanded(model)) query.set("expand", expanded(model));
    const at = performance.now();
    const { data } = await api.get(`/api/v1/${model.name}`, { query });
    keepRows(data, at);
    const found = new Set(/** @type {number[]} */ (data.map((/** @type {any} */ row) => row.id)));
    setFlashing(found);
    setTimeout(() => setFlashing((now) => (now === found ? new Set() : now)), FLASH_MS);
  };
  const count = async (/** @type {number[]} */ ids) => {
    const of = shownPage.current;
    const query = new URLSearchParams(filters);
    if (query.size) {
      query.set("id__in", ids.slice(0, 500).join(","));
      query.set("limit", "1");
      query.set("fields", "id");
    }
    const n = query.size ? (await api.get(`/api/v1/${model.name}`, { query })).count ?? 0 : ids.length;
    if (of === shownPage.current) setWaiting((now) => (now < 0 ? now : now + n));
  };
  useEvents([model.name, "models"], ({ model: name, verb, id }) => {
    if (name === "models") return void loadModels();
    if (name !== model.name) return;
    gathered.current.push({ model: name, verb, id, at: performance.now() });
    lookSoon();
  }, page.reload);
  /** An answer that was asked for earlier may come later: it does not stand over a newer one. @param {import("../types").Row[]} some @param {number} at */
  const keepRows = (some, at) => setFresh((now) => new Map([...now, ...some.filter((row) => (now.get(row.id)?.at ?? 0) <= at).map((row) => /** @type {[number, Fresh]} */ ([row.id, { row, at }]))]));
  const put = (/** @type {import("../types").Row} */ row) => keepRows([row], performance.now());
  return { rows, flashing, gone, waiting, put };
}
