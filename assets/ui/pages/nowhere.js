// Where an address leads that no page has: it says so, instead of showing another page under it.
import { contributed } from "../contributions.js";
import { t } from "../i18n.js";
import { href, route } from "../router.js";
import { html } from "../vendor/preact.js";
import { Empty } from "../widgets/trouble.js";

export function Nowhere() {
  if (!contributed.value) return null;
  return html`<div class="scroll"><${Empty} main heading=${t("nowhere.title")} words=${t("nowhere.words", { path: route.value.path })}>
    <a class="btn primary" href=${href("/home")}>${t("nowhere.home")}</a>
  <//></div>`;
}
