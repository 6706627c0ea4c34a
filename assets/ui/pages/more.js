// On a phone: the pages that the bar below has no room for.
import { t } from "../i18n.js";
import { href } from "../router.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";

/** @param {{pages: import("./index.js").Page[]}} props */
export function More({ pages }) {
  return html`<div class="scroll"><div class="column pad-top"><h1 class="vh">${t("page.more")}</h1>
    <ul class="card more-list">${pages.map((page) => html`<li key=${page.name}><a href=${href(`/${page.name}`)}>
      <${Icon} name=${page.icon} /><b class="grow">${t(page.label)}</b><${Icon} name="right" size=${16} />
    </a></li>`)}</ul>
  </div></div>`;
}
