// Settings: the parts at the left with a search over all of them, one part beside it. Who is no admin finds what this is.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { isAdmin } from "../store.js";
import { html, useEffect } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { later } from "../widgets/later.js";
import { useLoad } from "../widgets/load.js";
import { useTrail } from "../widgets/trail.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { RestartNote } from "./settings_restart.js";
import { SettingsGroup, SettingsFound } from "./settings_fields.js";

const About = later(() => import("./settings_about.js").then((found) => found.About));
const Backups = later(() => import("./backups.js").then((found) => found.Backups));
const Certificate = later(() => import("./settings_certificate.js").then((found) => found.Certificate));
const Sharing = later(() => import("./sharing.js").then((found) => found.Sharing));
const Storage = later(() => import("./settings_storage.js").then((found) => found.Storage));

/** @typedef {{name: string, group: string, help: string, unit: string, applies: "live"|"restart", kind: "boolean"|"choice"|"integer"|"number"|"text", choices: string[], minimum: number|null, maximum: number|null, above: number|null, secret: boolean, default: any, value: any, wanted: any, waits: boolean, source: string, environment: string, record_id: number|null, changeable: boolean}} Setting */

/** The parts under their headings; those without a page of their own are a group of settings. @type {{heading: string, parts: string[]}[]} */
const LIST = [
  { heading: "settings.server", parts: ["sharing", "certificate", "network", "people", "limits"] },
  { heading: "settings.data", parts: ["backups", "storage", "kept"] },
  { heading: "settings.work", parts: ["tools", "automations"] },
];
/** @type {Record<string, any>} */
const PAGES = { sharing: Sharing, certificate: Certificate, backups: Backups, storage: Storage, about: About };
const FIRST = "network";

/** @param {{rest: string[], query: URLSearchParams}} props */
export function Settings({ rest, query }) {
  const admin = isAdmin();
  const page = useLoad(async (signal) => (admin ? /** @type {Setting[]} */ ((await api.get("/api/v1/server/settings", { signal })).data) : []), [admin]);
  const words = admin ? query.get("q") || "" : "";
  const known = [...(admin ? LIST.flatMap((one) => one.parts) : []), "about"];
  const part = known.includes(rest[0]) ? rest[0] : "";
  useTrail(words ? t("settings.searched", { words }) : part && t(`settings.part_${part}`), true);
  useEffect(() => {
    const wide = matchMedia("(min-width: 720px)").matches;
    if (!part && !words && (wide || rest[0])) go(href(`/settings/${admin ? FIRST : "about"}`), { replace: true });
  }, [part, words]);
  const nothing = !part && !words;
  return html`<div class="split" data-open=${part || words ? "area" : "list"}>
    ${nothing && html`<h1 class="vh">${t("page.settings")}</h1>`}
    <${Parts} admin=${admin} part=${words ? "" : part} words=${words} count=${page.data?.length || 0} />
    <div class="area settings-area">
      <a class="settings-back phone-only" href=${href("/settings")}><${Icon} name="left" size=${16} />${t("page.settings")}</a>
      ${page.data && html`<${RestartNote} settings=${page.data} reload=${page.reload} />`}
      <${Part} part=${part} words=${words} page=${page} />
    </div>
  </div>`;
}

/** @param {{part: string, words: string, page: any}} props */
function Part({ part, words, page }) {
  if (!part && !words) return null;
  if (!words && ["about", "sharing", "certificate"].includes(part)) return html`<${PAGES[part]} key=${part} />`;
  if (!page.data) {
    return html`<div class="scroll"><div class="column pad-top">
      ${page.error ? html`<${Trouble} error=${page.error} what=${t("settings.error")} retry=${page.reload} />` : page.slow && html`<section class="card"><${Skeleton} rows=${8} /></section>`}
    </div></div>`;
  }
  if (words) return html`<${SettingsFound} words=${words} settings=${page.data} reload=${page.reload} />`;
  const Page = PAGES[part] || SettingsGroup;
  return html`<${Page} key=${part} group=${part} settings=${page.data} reload=${page.reload} />`;
}

/** @param {{admin: boolean, part: string, words: string, count: number}} props */
function Parts({ admin, part, words, count }) {
  const seek = (/** @type {any} */ event) => go(href(part ? `/settings/${part}` : "/settings", { q: event.target.value }), { replace: true });
  const entry = (/** @type {string} */ name) => html`<li key=${name}>
    <a href=${href(`/settings/${name}`)} aria-current=${part === name ? "page" : undefined}>${t(`settings.part_${name}`)}</a></li>`;
  return html`<div class="side settings-side">
    ${admin && html`<div class="side-head" role="search"><label class="input dense"><${Icon} name="search" size=${16} />
      <input type="search" id="settings-search" value=${words} placeholder=${t("settings.search", { n: count })} aria-label=${t("settings.search", { n: count })} onInput=${seek} /></label></div>`}
    <nav class="scroll" aria-label=${t("page.settings")} tabindex="0">
      ${admin && LIST.map((one) => html`<h2 key=${one.heading}>${t(one.heading)}</h2><ul key=${`${one.heading}.`}>${one.parts.map(entry)}</ul>`)}
      <ul class="settings-last">
        <li><a href=${href("/account")}>${t("page.account")}</a></li>
        ${entry("about")}
      </ul>
    </nav>
  </div>`;
}
