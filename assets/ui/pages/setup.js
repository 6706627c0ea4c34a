// The first admin: made through the one-time link. Without it, the page says how to get one.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { base, setupNeeded } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { Door } from "../widgets/door.js";
import { FieldError, Labelled, describedBy } from "../widgets/labelled.js";
import { PasswordInput } from "../widgets/password.js";
import { sentence } from "../widgets/trouble.js";

const MIN_PASSWORD = 12;

/** @param {{onDone: () => Promise<void>}} props */
export function Setup({ onDone }) {
  const token = new URLSearchParams(location.search).get("token");
  if (!setupNeeded.value) {
    return html`<${Door} heading=${t("setup.done")} words=${t("setup.done_words")}>
      <a class="btn primary full" href=${`${base}/auth/login`}>${t("signin.do")}</a>
    <//>`;
  }
  if (!token) return html`<${LinkNeeded} />`;
  return html`<${FirstAdmin} token=${token} onDone=${onDone} />`;
}

function LinkNeeded() {
  return html`<${Door} heading=${t("setup.needed")} words=${t("setup.needed_words")}>
    <${Copyable} text="gridbear setup-link" />
    <p class="small soft">${t("setup.needed_why")}</p>
  <//>`;
}

/** @param {{token: string, onDone: () => Promise<void>}} props */
function FirstAdmin({ token, onDone }) {
  const [values, setValues] = useState({ username: "", password: "", password_confirm: "" });
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);
  const set = (/** @type {string} */ name) => (/** @type {string} */ value) => setValues({ ...values, [name]: value });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const found = check(values);
    setErrors(found);
    if (Object.keys(found).length) return;
    setBusy(true);
    try {
      await request("POST", "/auth/setup", { body: { token, ...values }, anonymous: true });
      setupNeeded.value = false;
      await onDone();
    } catch (problem) {
      setBusy(false);
      setErrors(explain(problem));
    }
  };
  const field = (/** @type {string} */ name) => errors[name];
  return html`<${Door} heading=${t("setup.heading")} words=${t("setup.words")}>
    <form class="form" onSubmit=${submit} novalidate>
      <${Labelled} id="username" label=${t("signin.username")} error=${field("username")}>
        <input class="input" id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus
          aria-invalid=${field("username") ? "true" : undefined} aria-describedby=${describedBy("username", "", field("username"))}
          value=${values.username} onInput=${(/** @type {any} */ event) => set("username")(event.target.value)} />
      <//>
      <${Labelled} id="password" label=${t("signin.password")} help=${t("password.rule")} error=${field("password")}>
        <${PasswordInput} id="password" name="password" autocomplete="new-password" value=${values.password} onInput=${set("password")}
          invalid=${Boolean(field("password"))} describedBy=${describedBy("password", "help", field("password"))} />
      <//>
      <${Labelled} id="confirm" label=${t("setup.confirm")} error=${field("password_confirm")}>
        <${PasswordInput} id="confirm" name="password_confirm" autocomplete="new-password" value=${values.password_confirm}
          onInput=${set("password_confirm")} invalid=${Boolean(field("password_confirm"))}
          describedBy=${describedBy("confirm", "", field("password_confirm"))} />
      <//>
      ${errors.token && html`<${FieldError} text=${errors.token} />`}
      <button class="btn primary full" type="submit" disabled=${busy}>${t("setup.do")}</button>
    </form>
  <//>`;
}

/** @param {{username: string, password: string, password_confirm: string}} values @returns {Record<string, string>} */
function check(values) {
  return { ...(values.username.trim() ? {} : { username: t("field.needed") }), ...checkPasswords(values) };
}

/** What is wrong with a new password and its repetition. @param {{password: string, password_confirm: string}} values @returns {Record<string, string>} */
export function checkPasswords({ password, password_confirm }) {
  /** @type {Record<string, string>} */
  const found = {};
  if (password.length < MIN_PASSWORD) found.password = t("password.short", { n: MIN_PASSWORD });
  if (password !== password_confirm) found.password_confirm = t("setup.differ");
  return found;
}

/** @param {any} problem @returns {Record<string, string>} errors by field; "token" for what no field caused */
export function explain(problem) {
  const named = Object.entries(problem.fields || {}).map(([name, about]) => [name, /** @type {any} */ (about).message]);
  return named.length ? Object.fromEntries(named) : { token: sentence(problem) };
}
