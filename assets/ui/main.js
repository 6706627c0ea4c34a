// Where the pages start: the words, who is signed in, then the page the address names.
import { request, watchForReturn } from "./api.js";
import { Contributions } from "./contributions.js";
import { loadCatalogue, t } from "./i18n.js";
import { loadModels, modelsTrouble } from "./models.js";
import { pageNamed } from "./pages/index.js";
import { sharePreferences } from "./preferences.js";
import { route } from "./router.js";
import { listenForKeys } from "./shortcuts.js";
import { away, base, models, person, returned, setupNeeded, signInEnded } from "./store.js";
import { effect, html, render } from "./vendor/preact.js";
import { Questions } from "./widgets/dialog.js";
import { Frame } from "./widgets/frame.js";
import { later } from "./widgets/later.js";
import { Toasts } from "./widgets/toasts.js";
import { PersonDialogs } from "./widgets/topbar_menus.js";
import { Trouble } from "./widgets/trouble.js";

const Consent = later(() => import("./pages/consent.js").then((found) => found.Consent));
const OneTimeLink = later(() => import("./pages/link.js").then((found) => found.OneTimeLink));
const Setup = later(() => import("./pages/setup.js").then((found) => found.Setup));
const SignInAgain = later(() => import("./pages/signin_again.js").then((found) => found.SignInAgain));
const SignIn = later(() => import("./pages/signin.js").then((found) => found.SignIn), { rest: false });
const SETUP_PATH = `${base}/auth/setup`;
const LINK_PATH = `${base}/auth/link`;
const CONSENT_PATH = `${base}/oauth/consent`;
const SIGN_IN_PATH = `${base}/auth/login`;

/** Asks who is signed in; on the sign-in page nobody is, so it does not ask. */
async function recognise() {
  if (person.value || setupNeeded.value || location.pathname === SETUP_PATH) return;
  if ([SIGN_IN_PATH, LINK_PATH].includes(location.pathname)) {
    person.value = null;
    return;
  }
  try {
    person.value = (await request("GET", "/auth/me")).data;
  } catch (error) {
    const { status } = /** @type {import("./api.js").ApiError} */ (error);
    // A server that is busy or starting knows who this is, only not yet.
    if (status === 429 || status >= 500) watchForReturn();
    else if (status) person.value = null;
  }
}

/** After signing in the address is the start page, with the place the person wanted to go; what an app asked stays. */
async function enter() {
  const { data } = await request("GET", "/auth/me");
  if (location.pathname !== CONSENT_PATH) history.replaceState(null, "", `${base}/${location.hash}`);
  person.value = data;
}

function App() {
  // Read first: whoever comes in changes the address without an event, and then the page has to be drawn again.
  const me = person.value;
  if (location.pathname === SETUP_PATH || setupNeeded.value) return html`<${Setup} onDone=${enter} />`;
  if (location.pathname === LINK_PATH) return html`<${OneTimeLink} onDone=${enter} />`;
  if (me === undefined) return away.value ? html`<p class="banner" role="status">${t("away.banner")}</p>` : null;
  if (me === null) return html`<${SignIn} onDone=${enter} />`;
  if (location.pathname === CONSENT_PATH) return html`<${Consent} />`;
  const [name = "home", ...rest] = route.value.parts;
  const page = pageNamed(name);
  return html`<${Frame} page=${page} rest=${rest}>
    ${modelsTrouble.value && !models.value
      ? html`<div class="column pad-top"><${Trouble} error=${modelsTrouble.value} what=${t("error.models")} retry=${loadModels} /></div>`
      : models.value && html`<${page.Page} key=${page.name} rest=${rest} query=${route.value.query} />`}
  <//>`;
}

function Again() {
  return signInEnded.value && person.value ? html`<${SignInAgain} />` : null;
}

function draw() {
  render(html`<${App} /><${Again} /><${Contributions} /><${Questions} /><${PersonDialogs} /><${Toasts} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
}

await Promise.all([loadCatalogue("en"), recognise()]);
effect(() => {
  if (person.value) loadModels();
  else models.value = null;
});
effect(() => {
  if (returned.value) recognise();
});
sharePreferences();
listenForKeys();
draw();
