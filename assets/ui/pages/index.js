// The pages of the rail, in their order. A plugin adds one through the facade.
import { isAdmin } from "../store.js";
import { later } from "../widgets/later.js";
import { Home } from "./home.js";
import { More } from "./more.js";

/** @typedef {{name: string, label: string, icon: string, Page: any, rail?: "auto"|"open", admin?: boolean}} Page `admin`: for admins alone */

/** @type {Page[]} `label` is a key of the catalogue, or plain words */
const pages = [
  { name: "home", label: "page.home", icon: "home", Page: Home, rail: "open" },
  { name: "data", label: "page.data", icon: "data", Page: later(() => import("./data.js").then((found) => found.Data)), rail: "auto" },
  { name: "tools", label: "page.tools", icon: "tools", Page: later(() => import("./tools.js").then((found) => found.Tools)), rail: "auto" },
  { name: "automations", label: "page.automations", icon: "automations", Page: later(() => import("./automations.js").then((found) => found.Automations)), rail: "open" },
  { name: "plugins", label: "page.plugins", icon: "plugins", Page: later(() => import("./plugins.js").then((found) => found.Plugins)), rail: "open", admin: true },
  { name: "backups", label: "page.backups", icon: "archive", Page: later(() => import("./backups.js").then((found) => found.Backups)), rail: "open", admin: true },
  { name: "sharing", label: "page.sharing", icon: "globe", Page: later(() => import("./sharing.js").then((found) => found.Sharing)), rail: "open", admin: true },
];

/** What fits into a phone's bar; the other pages stand under "More". */
const IN_BAR = 5;
/** @type {Page} reached by the menu of the person */
const ACCOUNT = { name: "account", label: "page.account", icon: "user", Page: later(() => import("./account.js").then((found) => found.Account)), rail: "open" };
const MORE = { name: "more", label: "page.more", icon: "menu", Page: () => More({ pages: pagesUnderMore() }), rail: /** @type {"open"} */ ("open") };

/** The pages that a phone's bar has no room for. */
export function pagesUnderMore() {
  const all = allPages();
  return all.length > IN_BAR ? all.slice(IN_BAR - 1) : [];
}

/** @param {string} name @returns {Page} the start page when there is none of that name */
export function pageNamed(name) {
  if (name === MORE.name) return MORE;
  if (name === ACCOUNT.name) return ACCOUNT;
  return allPages().find((page) => page.name === name) || pages[0];
}

/** Those that are for who is signed in. */
export function allPages() {
  return pages.filter((page) => !page.admin || isAdmin());
}

/** @param {Page} page */
export function registerPage(page) {
  pages.push(page);
}
