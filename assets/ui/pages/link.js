// A one-time link that an admin handed out: to join, or to set a new password.
import { request } from "../api.js";
import { formatRelative, t } from "../i18n.js";
import { base } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Door } from "../widgets/door.js";
import { FieldError, Labelled, describedBy } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { PasswordInput } from "../widgets/password.js";
import { sentence } from "../widgets/trouble.js";
import { checkPasswords, explain } from "./setup.js";

/** @param {{onDone: () => Promise<void>}} props */
export function OneTimeLink({ onDone }) {
  const token = new URLSearchParams(location.search).get("token") || "";
  const { data, error } = useLoad(async () => (await request("POST", "/auth/link/look", { body: { token }, anonymous: true })).data, []);
  if (error) {
    return html`<${Door} heading=${t("link.unusable")} words=${sentence(error)}>
      <a class="btn primary full" href=${`${base}/auth/login`}>${t("signin.do")}</a>
    <//>`;
  }
  return data && html`<${Use} token=${token} about=${data} onDone=${onDone} />`;
}

/** @param {{token: string, about: {purpose: string, username: string|null, role: string, expires_at: string}, onDone: () => Promise<void>}} props */
function Use({ token, about, onDone }) {
  const joining = about.purpose === "invite";
  const [values, setValues] = useState({ username: about.username || "", display_name: "", password: "", password_confirm: "" });
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);
  const set = (/** @type {string} */ name) => (/** @type {string} */ value) => setValues({ ...values, [name]: value });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const found = { ...(!joining || values.username.trim() ? {} : { username: t("field.needed") }), ...checkPasswords(values) };
    setErrors(found);
    if (Object.keys(found).length) return;
    setBusy(true);
    try {
      const { password, password_confirm } = values;
      const answer = await request("POST", "/auth/link", { body: joining ? { token, ...values } : { token, password, password_confirm }, anonymous: true });
      // With a second factor in force the new password alone is no sign-in.
      if (answer.status === 201) await onDone();
      else location.assign(`${base}/auth/login`);
    } catch (problem) {
      setBusy(false);
      setErrors(explain(problem));
    }
  };
  const text = (/** @type {"username"|"display_name"} */ name, label = "", complete = "off") => html`<${Labelled} id=${name} label=${label} error=${errors[name]}>
    <input class="input" id=${name} name=${name} autocomplete=${complete} autocapitalize="none" spellcheck="false" value=${values[name]} readonly=${name === "username" && Boolean(about.username)}
      aria-invalid=${errors[name] ? "true" : undefined} aria-describedby=${describedBy(name, "", errors[name])} onInput=${(/** @type {any} */ event) => set(name)(event.target.value)} /><//>`;
  const password = (/** @type {"password"|"password_confirm"} */ name, id = "", label = "", help = "") => html`<${Labelled} id=${id} label=${label} help=${help} error=${errors[name]}>
    <${PasswordInput} id=${id} name=${name} autocomplete="new-password" value=${values[name]} onInput=${set(name)} invalid=${Boolean(errors[name])}
      describedBy=${describedBy(id, help, errors[name])} /><//>`;
  return html`<${Door} heading=${t(joining ? "link.join" : "link.reset", { name: about.username || "" })} words=${t("link.until", { time: formatRelative(about.expires_at) })}>
    <form class="form" onSubmit=${submit} novalidate>
      ${joining && text("username", t("signin.username"), "username")}
      ${joining && text("display_name", t("link.display_name"), "name")}
      ${password("password", "password", t(joining ? "signin.password" : "password.new"), t("password.rule"))}
      ${password("password_confirm", "confirm", t("setup.confirm"))}
      ${errors.token && html`<${FieldError} text=${errors.token} />`}
      <button class="btn primary full" type="submit" disabled=${busy}>${t(joining ? "link.do_join" : "link.do_reset")}</button>
    </form>
  <//>`;
}
