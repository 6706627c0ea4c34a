// Takes away what a plugin has added.
import { dropCommands } from "./commands.js";
import { dropWidgets } from "./fields/widgets.js";
import { dropCards } from "./pages/cards.js";
import { dropPages } from "./pages/index.js";

/** @param {string} plugin */
export function dropAll(plugin) {
  dropPages(plugin);
  dropCards(plugin);
  dropCommands(plugin);
  dropWidgets(plugin);
}
