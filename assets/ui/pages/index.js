// The pages of the rail, in their order. A plugin adds one through the facade.
import { Data } from "./data.js";
import { Home } from "./home.js";

/** @typedef {{name: string, label: string, icon: string, Page: any, rail?: "auto"|"open"}} Page */

/** @type {Page[]} `label` is a key of the catalogue, or plain words */
const pages = [
  { name: "home", label: "page.home", icon: "home", Page: Home, rail: "open" },
  { name: "data", label: "page.data", icon: "data", Page: Data, rail: "auto" },
];

/** @param {string} name @returns {Page} the start page when there is none of that name */
export function pageNamed(name) {
  return pages.find((page) => page.name === name) || pages[0];
}

export function allPages() {
  return pages;
}

/** @param {Page} page */
export function registerPage(page) {
  pages.push(page);
}
