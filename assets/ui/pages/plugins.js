// Plugins, for admins: what each is, what it may touch, whether it runs, and why not.
import { api } from "../api.js";
import { loadContributions } from "../contributions.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Empty, Skeleton, Trouble } from "../widgets/trouble.js";
import { PluginCard } from "./plugins_card.js";
import { InstallDialog } from "./plugins_install.js";

const MOST = 200;
/** @type {Record<string, (plugin: any) => boolean>} */
const SHOWN = { all: () => true, on: (one) => one.state === "on", off: (one) => one.state === "off", broken: (one) => one.state === "failed" || one.state === "missing" };

/** @param {{rest: string[]}} props */
export function Plugins({ rest }) {
  const { data, error, slow, reload } = useLoad(async (signal) => /** @type {any[]} */ ((await api.get("/api/v1/plugins", { signal, query: `limit=${MOST}&sort=name` })).data), []);
  const [installing, install] = useState(false);
  const chosen = rest[0] && Object.hasOwn(SHOWN, rest[0]) ? rest[0] : "all";
  const plugins = data || [];
  // Whatever was done here may have brought a page, or taken one.
  useEffect(loadContributions, [data]);
  // What does not run comes first: it waits for somebody.
  const shown = plugins.filter(SHOWN[chosen]).sort((one, other) => Number(SHOWN.broken(other)) - Number(SHOWN.broken(one)));
  return html`<div class="scroll"><div class="column">
    <header class="page-head">
      <div class="say"><h1>${t("page.plugins")}</h1><p>${t("plugins.words")}</p></div>
      <div class="do"><button class="btn primary" type="button" onClick=${() => install(true)}><${Icon} name="upload" />${t("plugins.install")}</button></div>
    </header>
    ${error && !data && html`<${Trouble} error=${error} what=${t("plugins.error")} retry=${reload} />`}
    ${slow && !data && html`<section class="card"><${Skeleton} rows=${6} /></section>`}
    ${plugins.length > 0 && html`<div class="row wrap wide">
      <div class="segmented" role="group" aria-label=${t("plugins.show")}>
        ${Object.keys(SHOWN).map((name) => {
          const n = plugins.filter(SHOWN[name]).length;
          return (name === "all" || name === chosen || n > 0) && html`<button key=${name} type="button" aria-pressed=${chosen === name ? "true" : "false"} onClick=${() => go(href(name === "all" ? "/plugins" : `/plugins/${name}`), { replace: true })}>${t(`plugins.show_${name}`, { n })}</button>`;
        })}
      </div>
      <span class="small muted">${t("plugins.warning")}</span>
    </div>`}
    ${data && !plugins.length && html`<${Empty} heading=${t("plugins.none")} words=${t("plugins.none_words")} curl="gridbear plugin new my-plugin" />`}
    <div class="plugins-grid">${shown.map((one) => html`<${PluginCard} key=${one.name} plugin=${one} reload=${reload} />`)}</div>
    ${installing && html`<${InstallDialog} close=${() => install(false)} done=${reload} />`}
  </div></div>`;
}
