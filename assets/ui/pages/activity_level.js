// How lines of the log and requests look by how they went, and how long they took.
import { formatNumber, t } from "../i18n.js";

/** Of a line of the log. @type {Record<string, "ok"|"off"|"warn"|"bad">} */
export const LINE_SHAPES = { DEBUG: "off", INFO: "ok", WARNING: "warn", ERROR: "bad", CRITICAL: "bad" };

/** Of a request. @type {Record<string, "ok"|"warn"|"bad">} */
export const REQUEST_SHAPES = { ok: "ok", refused: "warn", failed: "bad" };

/** Milliseconds, as exact as they matter. @param {number} ms */
export function took(ms) {
  const steps = ms < 1 ? 100 : ms < 10 ? 10 : 1;
  return t("activity.ms", { n: formatNumber(Math.round(ms * steps) / steps) });
}
