// A sign-in that ended while a page was open. The page stays as it is behind this, unseen, with all that was typed.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { lookAgain, person, signInEnded } from "../store.js";
import { html } from "../vendor/preact.js";
import { Dialog } from "../widgets/dialog.js";
import { SignInForm } from "./signin.js";

export function SignInAgain() {
  const me = /** @type {import("../store.js").Person} */ (person.value);
  const enter = async () => {
    const { data } = await request("GET", "/auth/me");
    // What is behind this is not for anybody else.
    if (data.id !== me.id) return location.reload();
    signInEnded.value = false;
    person.value = data;
    lookAgain();
  };
  const leave = () => {
    signInEnded.value = false;
    person.value = null;
  };
  return html`<${Dialog} label="again-title" kind="dialog again" held=${false} onClose=${() => {}}>
    <h2 id="again-title">${t("signin.again")}</h2>
    <p>${t("signin.again_words")}</p>
    <${SignInForm} onDone=${enter} known=${me.username} mark="again-" />
    <footer><button class="btn quiet" type="button" onClick=${leave}>${t("signin.leave")}</button></footer>
  <//>`;
}
