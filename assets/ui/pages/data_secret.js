// A secret the server says once, in the answer that made it, and never again.
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { inSentence } from "../widgets/words.js";

/** The values of a 201 that no later answer holds. @param {import("../types").Model} model @param {Record<string, any>} row @returns {[string, string][]} */
export function shownOnce(model, row) {
  const readable = new Set(["id", ...model.fields.filter((field) => !field.write_only && field.type !== "secret").map((field) => field.name)]);
  return Object.entries(row).filter(([name, value]) => !readable.has(name) && typeof value === "string" && value !== "");
}

/** @param {{model: import("../types").Model, secrets: [string, string][], close: () => void}} props */
export function SecretOnce({ model, secrets, close }) {
  return html`<${Dialog} label="once-title" onClose=${close}>
    <h2 id="once-title">${t("once.heading", { name: inSentence(model.label) })}</h2>
    <p>${t("once.words")}</p>
    ${secrets.map(([name, value]) => html`<${Copyable} key=${name} text=${value} label=${t("once.copy")} />`)}
    ${model.name === "api_tokens" && html`<div class="stack">
      <p class="small">${t("once.try")}</p>
      <${Copyable} text=${curl("/api/v1/notes").replace("$TOKEN", secrets[0][1])} />
    </div>`}
    <p class="note"><${Icon} name="info" /><span>${t("once.note")}</span></p>
    <footer><button class="btn primary" type="button" onClick=${close}>${t("once.done")}</button></footer>
  <//>`;
}
