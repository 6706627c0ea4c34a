// A value that goes in and never comes out. Untouched, it is left as it is; only "Clear" removes it.
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { readJson } from "./json.js";
import { common } from "./text.js";

/** The draft of a secret nobody touched; not sent. */
const UNTOUCHED = Symbol("untouched");
/** The draft of a secret to be removed; sent as null. */
export const CLEARED = Symbol("cleared");

/** @param {import("../types").Field} field */
const isStructured = (field) => Boolean(field.item_type) || field.type === "json";

/** @param {import("./text.js").InputProps} props */
function SecretInput(props) {
  const { draft, set, field, isNew, changed } = props;
  const [shown, setShown] = useState(false);
  const typed = typeof draft === "string" ? draft : "";
  const hint = draft === CLEARED ? t("secret.cleared") : isNew ? "" : t("secret.kept");
  const input = (/** @type {any} */ event) => set(event.target.value === "" ? UNTOUCHED : event.target.value);
  const control = isStructured(field) || field.type === "long_text"
    ? html`<textarea class=${`input mono ${changed ? "changed" : ""}`} rows="3" spellcheck="false" ...${common(props)}
        placeholder=${hint || (isStructured(field) ? "{ }" : "")} value=${typed} onInput=${input}></textarea>`
    : html`<span class=${`input ${changed ? "changed" : ""}`}>
        <input ...${common(props)} type=${shown ? "text" : "password"} autocomplete="new-password"
          placeholder=${hint} value=${typed} onInput=${input} />
        <button class="btn only quiet dense" type="button" aria-pressed=${shown} onClick=${() => setShown(!shown)}
          aria-label=${t("secret.show")} title=${t("secret.show")}><${Icon} name="eye" /></button>
      </span>`;
  return html`${control}
    ${!isNew && !field.required && html`<span class="row small">
      ${draft === CLEARED
        ? html`<button class="link" type="button" onClick=${() => set(UNTOUCHED)}>${t("secret.keep")}</button>`
        : html`<button class="link" type="button" onClick=${() => set(CLEARED)}>${t("secret.clear")}</button>`}
    </span>`}`;
}

/** @type {import("./text.js").FieldType} */
export const secret = {
  column: "c-tag",
  icon: "lock",
  cell: () => html`<span class="void">••••</span>`,
  Input: SecretInput,
  toDraft: () => UNTOUCHED,
  fromDraft: (draft, field) => {
    if (draft === CLEARED) return null;
    return isStructured(field) ? readJson(draft, field) : draft;
  },
};
