// About: what runs here, since when and where, and whose work it is made of.
import { api, request } from "../api.js";
import { formatExact, formatNumber, t } from "../i18n.js";
import { base, isAdmin, version } from "../store.js";
import { html } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon, Mark } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { useRestart } from "./settings_restart.js";

/** What the pages are made of: the texts lie beside them. @type {[string, string][]} name and file */
const OF_THE_PAGES = [
  ["Preact", "preact"], ["Preact Signals", "preact-signals"], ["htm", "htm"], ["Inter", "fontsource-variable-inter"],
  ["JetBrains Mono", "fontsource-variable-jetbrains-mono"], ["Swagger UI", "swagger-ui-dist"],
];

export function About() {
  const { data, error, reload } = useLoad(async (signal) => (await request("GET", "/api/v1/server", { signal })).data, []);
  const parts = useLoad(async (signal) => (await api.get("/api/v1/server/licences", { signal })).data, []);
  const [busy, restart] = useRestart(reload);
  const told = data && [`GridBear Desktop ${data.version}`, data.platform, data.address, `${t("about.started")}: ${data.started_at}`].join("\n");
  return html`<div class="scroll"><div class="column settings-column">
    <header class="page-head"><div class="say"><h1>${t("settings.part_about")}</h1><p>${t("about.words")}</p></div>
      ${isAdmin() && html`<div class="do"><button class="btn" type="button" disabled=${busy} onClick=${restart}><${Icon} name="refresh" />${t(busy ? "about.restarting" : "about.restart")}</button></div>`}</header>
    ${error && !data && html`<${Trouble} error=${error} what=${t("about.error")} retry=${reload} />`}
    <section class="card" aria-labelledby="about-title">
      <div class="body pad about-head"><${Mark} /><div class="grow min0"><h2 id="about-title">GridBear Desktop</h2><p class="small soft">${t("about.version", { version: data?.version || version })}</p></div>
        ${told && html`<${CopyButton} text=${told} label=${t("about.copy")} words />`}</div>
      ${data && html`<div class="body"><dl class="facts about-facts">
        <dt>${t("about.address")}</dt><dd><code>${data.address}</code></dd>
        <dt>${t("about.started")}</dt><dd><${Ago} iso=${data.started_at} /> <span class="muted">${formatExact(data.started_at)}</span></dd>
        <dt>${t("about.platform")}</dt><dd>${data.platform}</dd>
        <dt>${t("about.licence")}</dt><dd>MIT</dd>
        <dt>${t("about.api")}</dt><dd><a class="link" href=${`${base}/api/docs`} target="_blank">${t("page.docs")}</a></dd>
      </dl></div>`}
    </section>
    <section class="card" aria-labelledby="licences-title">
      <header><h2 id="licences-title">${t("about.licences")}</h2><span class="grow">${parts.data && formatNumber(parts.data.length + OF_THE_PAGES.length)}</span></header>
      ${parts.error && !parts.data && html`<div class="body"><${Trouble} error=${parts.error} what=${t("about.licences_error")} retry=${parts.reload} /></div>`}
      ${!parts.data && parts.slow && html`<${Skeleton} rows=${6} />`}
      ${parts.data && html`<div class="speeds" tabindex="0" role="group" aria-label=${t("about.licences")}><table>
        <thead><tr><th scope="col">${t("about.name")}</th><th scope="col">${t("about.its_version")}</th><th scope="col">${t("about.licence")}</th></tr></thead>
        <tbody>
          ${OF_THE_PAGES.map(([name, file]) => html`<tr key=${file}><th scope="row">${name}</th><td>${t("about.in_the_pages")}</td><td><a class="link" href=${`${base}/ui/vendor/licences/${file}.txt`} target="_blank">${t("about.text")}</a></td></tr>`)}
          ${parts.data.map((/** @type {any} */ one) => html`<tr key=${one.name}><th scope="row">${one.name}</th><td class="mono">${one.version}</td><td>${one.licence || "–"}</td></tr>`)}
        </tbody>
      </table></div>`}
    </section>
  </div></div>`;
}
