// A question whose yes has to be typed: the name of what is meant.
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "./busy.js";
import { Dialog } from "./dialog.js";
import { Labelled } from "./labelled.js";

/**
 * @param {{heading: string, name: string, verb: string, stay: string, cancel: () => void, act: () => any, ready?: boolean, children: any}} props
 * `name` is what has to be typed, "" for nothing; `ready` is false while something else is missing
 */
export function Typed({ heading, name, verb, stay, cancel, act, ready = true, children }) {
  const [text, setText] = useState("");
  const [busy, once] = useBusy();
  const go = ready && !busy && text.trim() === name;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (go) once(act);
  };
  return html`<${Dialog} label="typed-title" held=${false} onClose=${cancel}>
    <h2 id="typed-title">${heading}</h2>
    <form class="form" onSubmit=${submit}>
      ${children}
      ${name && html`<${Labelled} id="typed" label=${t("typed.type", { name })}>
        <input class="input mono" id="typed" value=${text} autocomplete="off" autocapitalize="none" spellcheck="false" onInput=${(/** @type {any} */ event) => setText(event.target.value)} /><//>`}
      <footer>
        <button class="btn" type="button" onClick=${cancel}>${stay}</button>
        <button class="btn danger" type="submit" disabled=${!go}>${verb}</button>
      </footer>
    </form>
  <//>`;
}
