// Making a record so that pressing Save again makes no second one: an answer may get lost after the server has written.
import { PATIENCE_MS, api, newKey } from "../api.js";
import { formatJson } from "../json.js";

/** The server has looked at what was sent and made nothing of it. All other failures leave that open. */
const MADE_NOTHING = [400, 404, 409, 413, 422];

/**
 * @typedef {import("../types").Row} Row
 * @typedef {Record<string, any>} Values
 * @typedef {{key: string, values: Values}} Sent
 */

/** What makes the records of one form. */
export class Making {
  constructor() {
    /** @type {Sent|null} what was sent and may have been done, though nothing was heard of it */
    this.open = null;
  }

  /**
   * Makes a record of `values`. Where an earlier attempt may have made it already, that one is told again, and what was
   * typed since is a change of its record.
   * @param {import("../types").Model} model @param {Values} values
   * @returns {Promise<{data: Row}>} with what is told only once
   */
  async send(model, values) {
    const earlier = this.open;
    const changes = earlier ? changesOf(model, earlier.values, values) : {};
    if (!earlier || !Object.keys(changes).length) return this.post(model, earlier || { key: newKey(), values });
    let made;
    try {
      made = await this.post(model, earlier);
    } catch (/** @type {any} */ error) {
      // It has come to nothing now, and what was wrong with it may be right in what was typed since.
      if (MADE_NOTHING.includes(error.status) && !error.code.startsWith("idempotency_")) return this.post(model, { key: newKey(), values });
      throw error;
    }
    this.open = earlier;
    const { data } = await api.patch(`/api/v1/${model.name}/${made.data.id}`, changes, { patience: PATIENCE_MS });
    this.open = null;
    return { data: { ...made.data, ...data } };
  }

  /** @param {import("../types").Model} model @param {Sent} sent @returns {Promise<{data: Row}>} */
  async post(model, sent) {
    this.open = sent;
    try {
      const answer = await api.post(`/api/v1/${model.name}`, sent.values, { patience: PATIENCE_MS, headers: { "idempotency-key": sent.key } });
      this.open = null;
      return answer;
    } catch (/** @type {any} */ error) {
      if (MADE_NOTHING.includes(error.status)) this.open = null;
      throw error;
    }
  }
}

/** @param {import("../types").Model} model @param {Values} before @param {Values} now @returns {Values} */
function changesOf(model, before, now) {
  /** @type {Values} */
  const changes = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const value = Object.hasOwn(now, name) ? now[name] : model.fields.find((field) => field.name === name)?.default ?? null;
    if (!Object.hasOwn(before, name) || formatJson(value) !== formatJson(before[name])) changes[name] = value;
  }
  return changes;
}
