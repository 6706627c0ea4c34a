// Adding MCP servers: well-known ones, those that AI clients of this computer use already, pasted text, or by hand.
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Known } from "./tools_known.js";
import { Import } from "./tools_import.js";

const WAYS = ["known", "clients", "paste"];

/** @param {{way: string|undefined, added: () => void}} props */
export function AddServer({ way, added }) {
  const chosen = WAYS.includes(way || "") ? /** @type {string} */ (way) : "known";
  return html`<div class="scroll"><div class="column pad-top">
    <div class="row wrap">
      <a class="btn only quiet" href=${href("/tools")} aria-label=${t("tools.back")}><${Icon} name="left" /></a>
      <h2 class="section-title grow">${t("servers.add")}</h2>
      <div class="segmented" role="group" aria-label=${t("add.way")}>
        ${WAYS.map((one) => html`<button key=${one} type="button" aria-pressed=${chosen === one ? "true" : "false"} onClick=${() => go(href(`/tools/add/${one}`), { replace: true })}>${t(`add.${one}`)}</button>`)}
      </div>
      <a class="btn quiet" href=${href("/data/mcp_servers", { record: "new" })}><${Icon} name="edit" />${t("add.by_hand")}</a>
    </div>
    ${chosen === "known" ? html`<${Known} added=${added} />` : html`<${Import} key=${chosen} paste=${chosen === "paste"} added=${added} />`}
  </div></div>`;
}
