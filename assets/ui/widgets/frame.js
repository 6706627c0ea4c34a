// What stands round every page: rail, top bar, banner.
import { lookForServer, request } from "../api.js";
import { t } from "../i18n.js";
import { allPages, pagesUnderMore } from "../pages/index.js";
import { href } from "../router.js";
import { COMMAND_KEY, paletteOpen, sheetOpen } from "../shortcuts.js";
import { away, base, keep, modelNamed, person, rail, returned, server, unread } from "../store.js";
import { html, useEffect } from "../vendor/preact.js";
import { Icon, Mark, State, keepIcons } from "./icon.js";
import { later } from "./later.js";
import { PersonMenu, ThemeMenu } from "./topbar_menus.js";
import { trail } from "./trail.js";

const SafeBanner = later(() => import("./safe_banner.js").then((found) => found.SafeBanner));
const StorageBanner = later(() => import("./storage_banner.js").then((found) => found.StorageBanner));
const Palette = later(() => import("./palette.js").then((found) => found.Palette));
const ShortcutSheet = later(() => import("./shortcut_sheet.js").then((found) => found.ShortcutSheet));
const seek = () => {
  paletteOpen.value = true;
};
const CALM_MS = 30_000;
const CHECK_MS = 2000;
/** How soon a page that asks for nothing hears that the server is away. */
const PULSE_MS = 10_000;

/** @param {{page: import("../pages/index.js").Page, rest: string[], children: any}} props */
export function Frame({ page, rest, children }) {
  // While something is being checked the answer is near, else a look now and then will do.
  const near = server.value?.storage?.check?.state === "running";
  useEffect(() => {
    loadServer();
    const timer = setInterval(() => document.visibilityState === "visible" && !away.value && loadServer(), near ? CHECK_MS : CALM_MS);
    return () => clearInterval(timer);
  }, [returned.value, near]);
  useEffect(() => {
    keepIcons();
    const look = () => document.visibilityState === "visible" && lookForServer();
    const pulse = setInterval(look, PULSE_MS);
    addEventListener("offline", look);
    return () => {
      clearInterval(pulse);
      removeEventListener("offline", look);
    };
  }, []);
  const model = page.name === "data" && rest[0] ? modelNamed(rest[0]) : null;
  const part = trail.value;
  const title = [part?.label, model?.label_plural || t(page.label)].filter(Boolean).join(" · ");
  useEffect(() => {
    document.title = `${title} · GridBear`;
  }, [title]);
  const folded = rail.value === "auto" ? (page.rail === "open" ? "open" : "auto") : rail.value;
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <div class="frame" data-rail=${folded}>
      <${Rail} page=${page} />
      <div class="main">
        <header class="topbar">
          <${Crumbs} page=${page} part=${part} model=${model} />
          <button class="seek" type="button" onClick=${seek}><${Icon} name="search" size=${16} /><span class="label">${t("palette.placeholder")}</span><kbd aria-hidden="true">${COMMAND_KEY} K</kbd></button>
          <div class="topbar-end">
            ${away.value && html`<span class="desk-only"><${State} kind="warn">${t("away.short")}<//></span>`}
            <button class="btn quiet only phone-only" type="button" onClick=${seek} aria-label=${t("palette.title")}><${Icon} name="search" /></button>
            <${ThemeMenu} />
            ${modelNamed("notifications") && html`<${Bell} />`}
            <${PersonMenu} />
          </div>
        </header>
        <main class="sheet" id="main" tabindex="-1">
          ${away.value && html`<p class="banner" role="status"><${Icon} name="alert" size=${16} />${t("away.banner")}</p>`}
          ${server.value?.safe_mode?.on && html`<${SafeBanner} reload=${loadServer} />`}
          ${![undefined, "ok"].includes(server.value?.storage?.state) && html`<${StorageBanner} reload=${loadServer} />`}
          ${children}
        </main>
      </div>
    </div>
    ${paletteOpen.value && html`<${Palette} />`}${sheetOpen.value && html`<${ShortcutSheet} />`}`;
}

async function loadServer() {
  try {
    server.value = (await request("GET", "/api/v1/server")).data;
    if (!modelNamed("notifications")) return;
    const answer = await request("GET", "/api/v1/notifications", { query: `owner_id=${person.value?.id}&is_read=false&limit=1` });
    unread.value = answer.count ?? 0;
  } catch {
    // The plate then shows the address of this page, and the banner says that the server is away.
  }
}

/** @param {{page: import("../pages/index.js").Page}} props */
function Rail({ page }) {
  const fold = () => {
    const label = /** @type {HTMLElement|null} */ (document.querySelector(".rail .brand .label"));
    rail.value = label && label.offsetWidth === 0 ? "open" : "folded";
    keep("rail", rail.value);
  };
  const later = new Set(pagesUnderMore().map((one) => one.name));
  const entry = (/** @type {import("../pages/index.js").Page} */ { name, label, icon }) => html`<li key=${name} class=${later.has(name) ? "later" : undefined}>
    <a href=${href(`/${name}`)} title=${t(label)} aria-current=${page.name === name ? "page" : undefined}><${Icon} name=${icon} /><span class="label">${t(label)}</span></a>
  </li>`;
  return html`<aside class="rail" aria-label="GridBear">
    <a class="brand" href=${href("/home")} aria-label=${t("brand.home")}><${Mark} /><span class="label">GridBear</span></a>
    <nav aria-label=${t("nav.main")}>
      <ul>
        ${allPages().filter((one) => !one.foot).map(entry)}
        ${later.size > 0 && html`<li class="phone-only" key="more"><a href=${href("/more")} aria-current=${page.name === "more" || later.has(page.name) ? "page" : undefined}>
          <${Icon} name="menu" /><span class="label">${t("page.more")}</span></a></li>`}
      </ul>
      <ul class="nav-foot">
        ${allPages().filter((one) => one.foot).map(entry)}
        <li><a href=${`${base}/api/docs`} target="_blank" title=${t("page.docs")}><${Icon} name="code" /><span class="label">${t("page.docs")}</span></a></li>
        <li><button class="fold" type="button" onClick=${fold} title=${t("nav.fold")}><${Icon} name="sidebar" /><span class="label">${t("nav.fold")}</span></button></li>
      </ul>
    </nav>
    <div class="server-plate" title=${away.value ? t("away.short") : t("server.running")}>
      <${State} kind=${away.value ? "warn" : "ok"} />
      <b>${away.value ? t("away.short") : t("server.running")}</b>
      <span class="mono">${(server.value?.address || location.origin).replace(/^https?:\/\//, "")}</span>
    </div>
  </aside>`;
}

/** @param {{page: import("../pages/index.js").Page, part: {label: string, tab: boolean}|null, model: import("../types").Model|null|undefined}} props */
function Crumbs({ page, part, model }) {
  const steps = [{ label: t(page.label), to: `/${page.name}` }, ...(model ? [{ label: model.label_plural, to: `/data/${model.name}` }] : [])];
  const last = part || steps.pop();
  return html`<nav class="crumbs" aria-label=${t("nav.crumbs")}>
    ${model && html`<a class="btn quiet only phone-only" href=${href(part ? `/data/${model.name}` : "/data")} aria-label=${part ? model.label_plural : t("data.all_models")}><${Icon} name="left" /></a>`}
    <ol>
      ${steps.map(({ label, to }) => html`<li key=${to}><a href=${href(to)}>${label}</a></li>`)}
      <li key="here" class=${part?.tab ? "tab" : undefined}><span aria-current="page">${last?.label}</span></li>
    </ol>
  </nav>`;
}

function Bell() {
  const label = unread.value ? t("bell.unread", { n: unread.value }) : t("bell.none");
  return html`<a
    class=${`btn quiet only ${unread.value ? "badge-dot" : ""}`} aria-label=${label} title=${label}
    href=${href("/data/notifications", { where: "is_read=false", sort: "-id" })}
  ><${Icon} name="bell" /></a>`;
}

