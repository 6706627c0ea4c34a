// What a grid shows, as its address says it, in the words of the API.
import { keep, stored } from "../store.js";

export const PAGE_SIZE = 50;
/** Stands for a model in the address of the page that makes one; no model can have this name. */
export const MAKING = "-";
/** And this one for the page of slow lists. */
export const SLOW = "slow-lists";
/** And this one for the drawing of all. */
export const MAP = "all-models";

/** Only what selects rows: filters and full text. @param {URLSearchParams} query of the page's address */
export function filterQuery(query) {
  const search = new URLSearchParams();
  for (const one of query.getAll("where")) {
    const at = one.indexOf("=");
    search.append(one.slice(0, at), one.slice(at + 1));
  }
  if (query.get("q")) search.set("q", query.get("q") || "");
  return search;
}

/** @param {URLSearchParams} query */
export const isFiltered = (query) => query.has("where") || query.has("q");

/** The order of rows: full text has its own, best first, unless one was chosen. @param {URLSearchParams} query */
export function sortOf(query) {
  return query.get("sort") || (query.has("q") ? "" : "-id");
}

const MAX_EXPANDED = 5;

/** The files and other records that rows refer to, which a grid shows by name; owners last. @param {import("../types").Model} model */
export function expanded(model) {
  const names = model.fields.filter((field) => ["file", "relation"].includes(field.type) && !field.write_only).map((field) => field.name);
  return [...names.filter((name) => name !== "owner_id"), ...names.filter((name) => name === "owner_id")].slice(0, MAX_EXPANDED).join(",");
}

/** The request for one page of rows. @param {import("../types").Model} model @param {URLSearchParams} query */
export function requestQuery(model, query) {
  const search = filterQuery(query);
  if (expanded(model)) search.set("expand", expanded(model));
  if (sortOf(query)) search.set("sort", sortOf(query));
  search.set("limit", String(PAGE_SIZE));
  if (Number(query.get("offset")) > 0) search.set("offset", String(Number(query.get("offset"))));
  return search.toString();
}

/**
 * The next order after a click on a column's head: up, down, none. With `more` the other columns stay.
 * @param {string} sort @param {string} name @param {boolean} more @returns {string|null}
 */
export function turnedSort(sort, name, more) {
  const parts = sort.split(",").filter(Boolean);
  const at = parts.findIndex((part) => part === name || part === `-${name}`);
  const next = at < 0 ? name : parts[at] === name ? `-${name}` : null;
  if (!more) return next;
  const rest = at < 0 ? [...parts, name] : next ? parts.with(at, next) : parts.filter((_part, index) => index !== at);
  return rest.join(",") || null;
}

/** Which columns one has chosen, or null for the usual ones. @param {string} model @param {URLSearchParams} query @returns {string[]|null} */
export function chosenColumns(model, query) {
  const text = query.get("columns") || stored(`columns.${model}`, "");
  return text ? text.split(",") : null;
}

/** @param {string} model @param {string[]|null} names null for the usual ones */
export function keepColumns(model, names) {
  keep(`columns.${model}`, names ? names.join(",") : "");
}
