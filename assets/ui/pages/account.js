// My account: everything that is one's own, for everybody who is signed in.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { factorOpen, modelNamed, passwordOpen, person } from "../store.js";
import { html } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Waiting } from "../widgets/trouble.js";
import { Look } from "./account_look.js";
import { NotificationKinds } from "./account_notifications.js";
import { Profile } from "./account_profile.js";
import { Apps, Sessions } from "./account_sessions.js";
import { TimeZone } from "./account_time.js";
import { Tokens } from "./account_tokens.js";

/** @param {{query: URLSearchParams}} props */
export function Account({ query }) {
  const me = person.value;
  if (!me) return null;
  return html`<div class="scroll"><div class="column account settles">
    <header class="page-head"><div class="say"><h1>${t("page.account")}</h1><p>${t("person.as", { username: me.username, role: me.role })}</p></div></header>
    <${Profile} />
    <${Look} chosen=${query.get("part") === "look"} />
    <${TimeZone} />
    <${SignIn} />
    <${Sessions} />
    ${modelNamed("api_tokens") && html`<${Tokens} />`}
    ${modelNamed("oauth_tokens") && html`<${Apps} />`}
    <${NotificationKinds} />
  </div></div>`;
}

function SignIn() {
  const page = useLoad(async (signal) => (await request("GET", "/auth/second-factor", { signal })).data, [factorOpen.value]);
  const { data } = page;
  return html`<section class="card" aria-labelledby="account-signin">
    <header><h2 id="account-signin">${t("account.sign_in")}</h2></header>
    <ul class="plain-list">
      <li><${Icon} name="key" /><span class="grow">${t("account.password")}</span>
        <button class="btn dense" type="button" onClick=${() => (passwordOpen.value = true)}>${t("password.change")}</button></li>
      <li><${Icon} name="shield" /><div class="grow min0"><p>${t("factor.title")}</p><p class="small soft">${data ? (data.in_force ? t("account.codes_left", { n: data.recovery_codes }) : t("account.no_factor")) : "\u00a0"}</p><${Waiting} page=${page} /></div>
        ${data && html`<${State} kind=${data.in_force ? "ok" : "off"}>${t(data.in_force ? "account.factor_on" : "account.factor_off")}<//>`}
        <button class="btn dense" type="button" onClick=${() => (factorOpen.value = true)}>${t(data?.in_force ? "account.factor_change" : "account.factor_begin")}</button></li>
    </ul>
  </section>`;
}
