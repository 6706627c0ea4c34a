// What is different between two definitions of a tool, place by place.
import { t } from "../i18n.js";
import { formatJson } from "../json.js";
import { html } from "../vendor/preact.js";

// Characters that a model reads and nobody sees.
const UNSEEN = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\u{e0000}-\u{e01ef}]/gu;

/** @param {{changes: {path: string, before?: any, after?: any}[]}} props */
export function Changes({ changes }) {
  return html`<dl class="diff tool-diff">${changes.map((one) => html`<div key=${one.path}>
    <dt class="mono">${shown(one.path || "/")}</dt>
    ${"before" in one && html`<dd class="was"><i aria-hidden="true">−</i><span class="vh">${t("history.before")}</span><del>${shown(one.before)}</del></dd>`}
    ${"after" in one && html`<dd class="now"><i aria-hidden="true">+</i><span class="vh">${t("history.after")}</span><ins>${shown(one.after)}</ins></dd>`}
  </div>`)}</dl>`;
}

/** A value as text in which nothing hides. @param {any} value */
function shown(value) {
  const text = typeof value === "string" ? value : formatJson(value, 2);
  return text.replace(UNSEEN, (sign) => `⟨U+${/** @type {number} */ (sign.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}
