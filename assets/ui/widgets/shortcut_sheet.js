// The sheet of keys: what "?" shows.
import { t } from "../i18n.js";
import { allPages } from "../pages/index.js";
import { COMMAND_KEY, GO_KEYS, sheetOpen } from "../shortcuts.js";
import { html } from "../vendor/preact.js";
import { Dialog } from "./dialog.js";

/** @type {Record<string, [string, string[]][]>} by part: what it does, and its keys */
const PARTS = {
  everywhere: [["palette", [COMMAND_KEY, "K"]], ["sheet", ["?"]], ["close", ["Esc"]]],
  lists: [["search", ["/"]], ["add", ["n"]], ["move", ["←", "↑", "↓", "→"]], ["edit", ["F2"]], ["keep", ["↵"]], ["sort", ["Shift", "Click"]], ["range", ["Shift", "Click"]]],
  record: [["save", [COMMAND_KEY, "S"]]],
  tools: [["run", [COMMAND_KEY, "↵"]]],
};

export function ShortcutSheet() {
  const pages = allPages().filter(({ name }) => GO_KEYS[name]);
  return html`<${Dialog} label="keys" kind="dialog keys" onClose=${() => (sheetOpen.value = false)}>
    <h2 id="keys">${t("keys.title")}</h2>
    <div class="key-parts">
      ${Object.entries(PARTS).map(([part, rows]) => html`<${Part} key=${part} heading=${t(`keys.${part}`)} rows=${rows.map(([what, keys]) => [t(`keys.${part}_${what}`), keys])} />`)}
      <${Part} heading=${t("keys.go")} rows=${pages.map((page) => [t(page.label), ["g", GO_KEYS[page.name]]])} />
    </div>
    <footer><button class="btn" type="button" onClick=${() => (sheetOpen.value = false)}>${t("do.close")}</button></footer>
  <//>`;
}

/** @param {{heading: string, rows: any[]}} props */
function Part({ heading, rows }) {
  return html`<section><h3>${heading}</h3><dl>
    ${rows.map(([words, keys]) => html`<div key=${words}><dt>${words}</dt><dd>${keys.map((/** @type {string} */ key) => html`<kbd key=${key}>${key}</kbd>`)}</dd></div>`)}
  </dl></section>`;
}
