// What is different between two definitions of a tool, place by place.
import { t } from "../i18n.js";
import { formatJson } from "../json.js";
import { html } from "../vendor/preact.js";

/** @param {{changes: {path: string, before?: any, after?: any}[]}} props */
export function Changes({ changes }) {
  return html`<dl class="diff tool-diff">${changes.map((one) => html`<div key=${one.path}>
    <dt class="mono">${one.path || "/"}</dt>
    ${"before" in one && html`<dd class="was"><i aria-hidden="true">−</i><span class="vh">${t("history.before")}</span><del>${shown(one.before)}</del></dd>`}
    ${"after" in one && html`<dd class="now"><i aria-hidden="true">+</i><span class="vh">${t("history.after")}</span><ins>${shown(one.after)}</ins></dd>`}
  </div>`)}</dl>`;
}

/** @param {any} value */
function shown(value) {
  return typeof value === "string" ? value : formatJson(value, 2);
}
