// Sign in with name and password.
import { PATIENCE_MS, request } from "../api.js";
import { t } from "../i18n.js";
import { keep, stored } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Door } from "../widgets/door.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { PasswordInput } from "../widgets/password.js";
import { sentence } from "../widgets/trouble.js";

/** @param {{onDone: () => Promise<void>}} props */
export function SignIn({ onDone }) {
  return html`<${Door} heading=${t("signin.heading")} words=${t("signin.words", { host: location.host })}>
    ${stored("restored", "") === "yes" && html`<p class="note good"><${Icon} name="check" /><span>${t("restore.sign_in")}</span></p>`}
    <${SignInForm} onDone=${onDone} />
  <//>`;
}

/** @param {{onDone: () => Promise<void>, known?: string, mark?: string}} props `known`: the name to begin with; `mark`: before ids, where a page with ids of its own is open */
export function SignInForm({ onDone, known = "", mark = "" }) {
  const [username, setUsername] = useState(known);
  const [password, setPassword] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const [otp, setOtp] = useState(/** @type {string|null} */ (null));
  const [busy, setBusy] = useState(false);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await request("POST", "/auth/login", { form: { username, password, ...(otp ? { otp: otp.trim() } : {}) }, anonymous: true, patience: PATIENCE_MS });
      keep("restored", "");
      await onDone();
    } catch (/** @type {any} */ problem) {
      setBusy(false);
      if (problem.code !== "otp_required") return setError(problem);
      setError(null);
      setOtp("");
      requestAnimationFrame(() => document.getElementById(`${mark}otp`)?.focus());
    }
  };
  return html`<form class="form" onSubmit=${submit}>
    <${Labelled} id=${`${mark}username`} label=${t("signin.username")}>
      <input class="input" id=${`${mark}username`} name="username" autocomplete="username" autocapitalize="none" spellcheck="false"
        required autofocus=${!known} value=${username} onInput=${(/** @type {any} */ event) => setUsername(event.target.value)} />
    <//>
    <${Labelled} id=${`${mark}password`} label=${t("signin.password")}>
      <${PasswordInput} id=${`${mark}password`} name="password" autocomplete="current-password" autofocus=${Boolean(known)} value=${password} onInput=${setPassword} />
    <//>
    ${otp !== null && html`<${Labelled} id=${`${mark}otp`} label=${t("signin.otp")} help=${t("signin.otp_help")}>
      <input class="input mono" id=${`${mark}otp`} name="otp" autocomplete="one-time-code" inputmode="numeric" spellcheck="false" aria-describedby=${`${mark}otp-help`}
        value=${otp} onInput=${(/** @type {any} */ event) => setOtp(event.target.value)} />
    <//>`}
    ${error && html`<${FieldError} text=${error.status === 401 && error.code !== "wrong_otp" ? t("signin.wrong") : sentence(error)} />`}
    <button class="btn primary full" type="submit" disabled=${busy}>${t("signin.do")}</button>
  </form>`;
}
