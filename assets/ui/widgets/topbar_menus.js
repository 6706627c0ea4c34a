// The two menus of the top bar: how it looks, and who one is.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { href, mayLeave } from "../router.js";
import { base, chooseTheme, darkNow, factorOpen, passwordOpen, person, theme } from "../store.js";
import { html } from "../vendor/preact.js";
import { groundOf, initials } from "./avatar.js";
import { Icon } from "./icon.js";
import { later } from "./later.js";
import { Menu } from "./menu.js";
import { say } from "./toasts.js";
import { sentence } from "./trouble.js";

const PasswordDialog = later(() => import("./password.js").then((found) => found.PasswordDialog));
const FactorDialog = later(() => import("./second_factor.js").then((found) => found.FactorDialog));
const THEMES = [["light", "sun"], ["dark", "moon"], ["system", "settings"]];

export function ThemeMenu() {
  return html`<${Menu}
    id="theme-menu" label=${t("theme.choose")} className="btn quiet only"
    button=${html`<${Icon} name=${darkNow() ? "moon" : "sun"} />`}
  >
    <ul>
      ${THEMES.map(
        ([name, icon]) => html`<li key=${name} aria-current=${theme.value === name ? "true" : undefined}>
          <button type="button" aria-pressed=${theme.value === name ? "true" : "false"} onClick=${() => chooseTheme(name)}>
            <${Icon} name=${icon} />${t(`theme.${name}`)}
          </button>
        </li>`,
      )}
    </ul>
  <//>`;
}

export async function signOut() {
  if (!(await mayLeave())) return;
  try {
    await request("POST", "/auth/logout", { anonymous: true });
    person.value = null;
  } catch (error) {
    say(sentence(error), "bad");
  }
}

export function PersonMenu() {
  const me = person.value;
  if (!me) return null;
  const name = me.display_name || me.username;
  const letters = initials(name);
  return html`<${Menu}
      id="person-menu" label=${t("person.menu", { letters, name })} className=${`avatar ${groundOf(me.id)}`}
      button=${html`<span aria-hidden="true">${letters}</span>`}
    >
      <p class="who"><b>${name}</b><span>${t("person.as", { username: me.username, role: me.role })}</span></p>
      <ul>
        <li><a href=${href("/account")}><${Icon} name="user" />${t("page.account")}</a></li>
        <li><a href=${`${base}/api/docs`} target="_blank"><${Icon} name="code" />${t("page.docs")}</a></li>
        <li><button type="button" onClick=${() => (passwordOpen.value = true)}><${Icon} name="key" />${t("password.change")}</button></li>
        <li><button type="button" onClick=${() => (factorOpen.value = true)}><${Icon} name="shield" />${t("factor.title")}</button></li>
        <li><button type="button" onClick=${signOut}><${Icon} name="logout" />${t("person.sign_out")}</button></li>
      </ul>
    <//>`;
}

/** What the person's menu opens; it stands outside the top bar, for a dialog in it would be part of a landmark. */
export function PersonDialogs() {
  if (!person.value) return null;
  return html`${passwordOpen.value && html`<${PasswordDialog} />`}${factorOpen.value && html`<${FactorDialog} />`}`;
}
