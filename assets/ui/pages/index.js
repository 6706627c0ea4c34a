// The pages of the rail, in their order. A plugin adds one through the facade.
import { t } from "../i18n.js";
import { registering } from "../registering.js";
import { isAdmin } from "../store.js";
import { html, signal } from "../vendor/preact.js";
import { contained } from "../widgets/contained.js";
import { later } from "../widgets/later.js";
import { Trouble } from "../widgets/trouble.js";
import { Home } from "./home.js";

/** @typedef {{name: string, label: string, icon: string, Page: any, rail?: "auto"|"open", admin?: boolean, foot?: boolean}} Page `admin`: for admins alone; `foot`: at the end of the rail */

/** @type {Page[]} `label` is a key of the catalogue, or plain words */
const pages = [
  { name: "home", label: "page.home", icon: "home", Page: Home, rail: "open" },
  { name: "data", label: "page.data", icon: "data", Page: later(() => import("./data.js").then((found) => found.Data)), rail: "auto" },
  { name: "tools", label: "page.tools", icon: "tools", Page: later(() => import("./tools.js").then((found) => found.Tools)), rail: "auto" },
  { name: "automations", label: "page.automations", icon: "automations", Page: later(() => import("./automations.js").then((found) => found.Automations)), rail: "open" },
  { name: "plugins", label: "page.plugins", icon: "plugins", Page: later(() => import("./plugins.js").then((found) => found.Plugins)), rail: "open", admin: true },
  { name: "people", label: "page.people", icon: "people", Page: later(() => import("./people.js").then((found) => found.People)), rail: "open", admin: true },
  { name: "activity", label: "page.activity", icon: "activity", Page: later(() => import("./activity.js").then((found) => found.Activity)), rail: "open" },
  { name: "settings", label: "page.settings", icon: "settings", Page: later(() => import("./settings.js").then((found) => found.Settings)), rail: "auto", foot: true },
];

/** Those of plugins. @type {import("../types").Signal<(Page & {plugin: string})[]>} */
const added = signal([]);

/** What fits into a phone's bar; the other pages stand under "More". */
const IN_BAR = 5;
/** @type {Page} reached by the menu of the person */
export const ACCOUNT = { name: "account", label: "page.account", icon: "user", Page: later(() => import("./account.js").then((found) => found.Account)), rail: "open" };
const MorePages = later(() => import("./more.js").then((found) => found.More));
const MORE = { name: "more", label: "page.more", icon: "menu", Page: () => html`<${MorePages} pages=${pagesUnderMore()} />`, rail: /** @type {"open"} */ ("open") };

/** The pages that a phone's bar has no room for. */
export function pagesUnderMore() {
  const all = allPages();
  return all.length > IN_BAR ? all.slice(IN_BAR - 1) : [];
}

/** Where an address leads that names no page, or one that is not for who is signed in. @type {Page} */
const NOWHERE = { name: "nowhere", label: "page.nowhere", icon: "search", Page: later(() => import("./nowhere.js").then((found) => found.Nowhere)), rail: "open" };

/** @param {string} name @returns {Page} */
export function pageNamed(name) {
  if (name === MORE.name) return MORE;
  if (name === ACCOUNT.name) return ACCOUNT;
  return allPages().find((page) => page.name === name) || NOWHERE;
}

/** Those that are for who is signed in. */
export function allPages() {
  const all = [...pages.filter((page) => !page.foot), ...added.value, ...pages.filter((page) => page.foot)];
  return all.filter((page) => !page.admin || isAdmin());
}

/** Adds a page to the rail; for a plugin's module, while it is imported. @param {Omit<Page, "icon"> & {icon?: string}} page */
export function registerPage(page) {
  const { name, label, Page } = page;
  if (!/^[a-z][a-z0-9-]*$/.test(name || "") || !label || typeof Page !== "function") throw new Error("page() wants a name (a-z, 0-9, -), a label and a Page");
  if ([...pages, ...added.value, ACCOUNT, MORE, NOWHERE].some((one) => one.name === name)) throw new Error(`there is a page ${name} already`);
  const { plugin } = registering();
  added.value = [...added.value, { icon: "plugins", rail: "open", ...page, plugin, Page: contained(Page, stopped(plugin)) }];
}

/** @param {string} plugin */
function stopped(plugin) {
  return (/** @type {Error} */ error, /** @type {() => void} */ again) =>
    html`<div class="column pad-top"><${Trouble} error=${error} what=${t("contributions.page_failed", { name: plugin })} retry=${again} /></div>`;
}

/** @param {string} plugin */
export function dropPages(plugin) {
  added.value = added.value.filter((page) => page.plugin !== plugin);
}
