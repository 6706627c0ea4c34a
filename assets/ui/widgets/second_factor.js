// A second factor for one's own account: an authenticator app, its recovery codes, and the way back to the password alone.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { factorOpen } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "./busy.js";
import { Copyable, CopyButton } from "./copy.js";
import { Cancel, Dialog } from "./dialog.js";
import { FieldError, Labelled } from "./labelled.js";
import { useLoad } from "./load.js";
import { PasswordInput } from "./password.js";
import { QrCode } from "./qr_code.js";
import { sentence } from "./trouble.js";

export function FactorDialog() {
  const { data, error: unread, reload } = useLoad(async (signal) => (await request("GET", "/auth/second-factor", { signal })).data, []);
  const [password, setPassword] = useState("");
  const [otp, setOtp] = useState("");
  const [begun, setBegun] = useState(/** @type {any} */ (null));
  const [codes, setCodes] = useState(/** @type {string[]} */ ([]));
  const [error, setError] = useState("");
  const close = () => (factorOpen.value = false);
  const [busy, once] = useBusy();
  // A second secret, or other codes, would come in place of those that are being taken down.
  const ask = (/** @type {string} */ path, /** @type {Record<string, string>} */ form, /** @type {(data: any) => void} */ then) => once(async () => {
    setError("");
    try {
      then((await request("POST", `/auth/second-factor${path}`, { form, anonymous: true })).data);
      reload();
    } catch (/** @type {any} */ problem) {
      setError(/** @type {any} */ (Object.values(problem.fields || {})[0])?.message || sentence(problem));
    }
  });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (begun) ask("/confirm", { otp: otp.trim() }, (found) => setCodes(found.recovery_codes));
    else if (!data?.in_force) ask("", { password }, setBegun);
  };
  const said = error || (unread && sentence(unread));
  return html`<${Dialog} label="factor-title" onClose=${close}>
    <h2 id="factor-title">${t("factor.title")}</h2>
    ${codes.length > 0
      ? html`<p>${t("factor.codes")}</p><ol class="phrase codes">${codes.map((code) => html`<li key=${code}>${code}</li>`)}</ol>
          <footer><${CopyButton} text=${codes.join("\n")} label=${t("phrase.copy")} words dense=${false} /><button class="btn primary" type="button" onClick=${close}>${t("factor.kept")}</button></footer>`
      : data && html`<form class="form" onSubmit=${submit}>
          <p>${t(data.in_force ? "factor.on" : begun ? "factor.scan" : "factor.off", { n: data.recovery_codes })}</p>
          ${begun && html`<${QrCode} rows=${begun.qr} label=${t("factor.qr")} /><${Copyable} text=${begun.secret} label=${t("factor.copy")} />
            <${Labelled} id="factor-otp" label=${t("signin.otp")}><input class="input mono" id="factor-otp" inputmode="numeric" autocomplete="one-time-code" value=${otp}
              onInput=${(/** @type {any} */ event) => setOtp(event.target.value)} /><//>`}
          ${!begun && html`<${Labelled} id="factor-password" label=${t("password.current")}>
            <${PasswordInput} id="factor-password" name="password" autocomplete="current-password" value=${password} onInput=${setPassword} /><//>`}
          ${said && html`<div class="field"><${FieldError} text=${said} /></div>`}
          <footer>
            <${Cancel} />
            ${data.in_force && !begun
              ? html`<button class="btn" type="button" disabled=${busy} onClick=${() => ask("/recovery-codes", { password }, (found) => setCodes(found.recovery_codes))}>${t("factor.new_codes")}</button>
                  <button class="btn danger" type="button" disabled=${busy} onClick=${() => ask("/remove", { password }, () => setPassword(""))}>${t("factor.remove")}</button>`
              : html`<button class="btn primary" type="submit" disabled=${busy}>${t(begun ? "factor.confirm" : "factor.begin")}</button>`}
          </footer>
        </form>`}
  <//>`;
}
