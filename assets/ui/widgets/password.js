// Typing a password, and changing one's own.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { passwordOpen } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "./busy.js";
import { Cancel, Dialog } from "./dialog.js";
import { FieldError, Labelled } from "./labelled.js";
import { Icon } from "./icon.js";
import { say } from "./toasts.js";
import { sentence } from "./trouble.js";

/** @param {{id: string, name: string, autocomplete: string, value: string, onInput: (value: string) => void, invalid?: boolean, describedBy?: string, autofocus?: boolean}} props */
export function PasswordInput({ id, name, autocomplete, value, onInput, invalid, describedBy, autofocus }) {
  const [shown, setShown] = useState(false);
  const label = shown ? t("password.hide") : t("password.show");
  return html`<span class="input">
    <input id=${id} name=${name} type=${shown ? "text" : "password"} autocomplete=${autocomplete} required autofocus=${autofocus}
      aria-invalid=${invalid ? "true" : undefined} aria-describedby=${describedBy}
      value=${value} onInput=${(/** @type {any} */ event) => onInput(event.target.value)} />
    <button class="btn only quiet dense" type="button" aria-label=${label} title=${label} onClick=${() => setShown(!shown)}>
      <${Icon} name="eye" />
    </button>
  </span>`;
}

export function PasswordDialog() {
  const [now, setNow] = useState("");
  const [next, setNext] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const close = () => (passwordOpen.value = false);
  const [busy, once] = useBusy();
  const save = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    try {
      await request("POST", "/auth/password", { body: { current_password: now, new_password: next }, anonymous: true });
      say(t("password.changed"));
      close();
    } catch (problem) {
      setError(problem);
    }
  };
  const about = (/** @type {string} */ name) => error?.fields?.[name]?.message;
  return html`<${Dialog} label="password-title" onClose=${close}>
    <form class="form" onSubmit=${save}>
      <h2 id="password-title">${t("password.change")}</h2>
      <${Labelled} id="pw-now" label=${t("password.current")} error=${about("current_password")}>
        <${PasswordInput} id="pw-now" name="current_password" autocomplete="current-password" value=${now} onInput=${setNow} />
      <//>
      <${Labelled} id="pw-next" label=${t("password.new")} help=${t("password.rule")} error=${about("new_password")}>
        <${PasswordInput} id="pw-next" name="new_password" autocomplete="new-password" value=${next} onInput=${setNext} />
      <//>
      ${error && !Object.keys(error.fields).length && html`<${FieldError} text=${sentence(error)} />`}
      <footer>
        <${Cancel} />
        <button class="btn primary" type="submit" disabled=${busy}>${t("password.change")}</button>
      </footer>
    </form>
  <//>`;
}
