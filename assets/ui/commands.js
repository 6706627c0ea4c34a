// What the palette can do beside going somewhere. A plugin adds its own through the facade.
import { ACCENTS } from "./accent.js";
import { t } from "./i18n.js";
import { registering } from "./registering.js";
import { href } from "./router.js";
import { sheetOpen } from "./shortcuts.js";
import { base, chooseAccent, chooseDensity, chooseTheme, factorOpen, isAdmin, passwordOpen } from "./store.js";
import { signal } from "./vendor/preact.js";
import { signOut } from "./widgets/topbar_menus.js";

/** @typedef {{name: string, label: string, icon?: string, run?: () => void, address?: string, admin?: boolean, plugin?: string}} Command `run` or `address`; `label` is a key of the catalogue, or plain words */

/** @type {Command[]} */
const commands = [
  { name: "keys", label: "keys.title", icon: "keyboard", run: () => (sheetOpen.value = true) },
  { name: "light", label: "command.light", icon: "sun", run: () => chooseTheme("light") },
  { name: "dark", label: "command.dark", icon: "moon", run: () => chooseTheme("dark") },
  { name: "system", label: "command.system", icon: "settings", run: () => chooseTheme("system") },
  { name: "comfortable", label: "command.comfortable", icon: "menu", run: () => chooseDensity("comfortable") },
  { name: "compact", label: "command.compact", icon: "menu", run: () => chooseDensity("compact") },
  { name: "look", label: "account.look", icon: "settings", address: href("/account", { part: "look" }) },
  { name: "add-server", label: "command.add_server", icon: "plus", address: href("/tools/add"), admin: true },
  { name: "connect", label: "command.connect", icon: "link", address: href("/tools/clients"), admin: true },
  { name: "model", label: "design.new", icon: "plus", address: href("/data/-"), admin: true },
  { name: "invite", label: "invite.title", icon: "mail", address: href("/people/invites", { new: "1" }), admin: true },
  { name: "why", label: "command.why", icon: "shield", address: href("/people/why"), admin: true },
  { name: "backups", label: "settings.part_backups", icon: "archive", address: href("/settings/backups"), admin: true },
  { name: "sharing", label: "settings.part_sharing", icon: "globe", address: href("/settings/sharing"), admin: true },
  { name: "certificate", label: "settings.part_certificate", icon: "lock", address: href("/settings/certificate"), admin: true },
  { name: "storage", label: "settings.part_storage", icon: "server", address: href("/settings/storage"), admin: true },
  { name: "slow-lists", label: "slow.title", icon: "clock", address: href("/data/slow-lists"), admin: true },
  { name: "audit", label: "activity.tab_audit", icon: "history", address: href("/activity/audit"), admin: true },
  { name: "log", label: "activity.tab_log", icon: "code", address: href("/activity/log"), admin: true },
  { name: "about", label: "settings.part_about", icon: "info", address: href("/settings/about") },
  { name: "password", label: "password.change", icon: "key", run: () => (passwordOpen.value = true) },
  { name: "factor", label: "factor.title", icon: "shield", run: () => (factorOpen.value = true) },
  { name: "docs", label: "page.docs", icon: "code", run: () => open(`${base}/api/docs`, "_blank") },
  { name: "sign-out", label: "person.sign_out", icon: "logout", run: signOut },
];

/** Those of plugins. @type {import("./types").Signal<Command[]>} */
const added = signal([]);

/** Those that are for who is signed in. */
export function allCommands() {
  /** @type {Command[]} */
  const accents = ACCENTS.map(({ name, colour }) => ({ name: `accent-${name}`, label: t("command.accent", { name: t(`accent.${name}`) }), icon: "settings", run: () => chooseAccent(colour) }));
  return [...commands, ...accents, ...added.value].filter((command) => !command.admin || isAdmin());
}

/** Adds a command to the palette; for a plugin's module, while it is imported. @param {Command} command */
export function registerCommand(command) {
  const { name, label, run, address } = command;
  if (!/^[a-z][a-z0-9-]*$/.test(name || "") || !label || !(typeof run === "function" || address)) throw new Error("command() wants a name (a-z, 0-9, -), a label, and run() or an address");
  if ([...commands, ...added.value].some((one) => one.name === name)) throw new Error(`there is a command ${name} already`);
  added.value = [...added.value, { icon: "plugins", ...command, plugin: registering().plugin }];
}

/** @param {string} plugin */
export function dropCommands(plugin) {
  added.value = added.value.filter((command) => command.plugin !== plugin);
}
