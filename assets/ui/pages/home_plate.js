// The server's plate: its address, how long it runs, who can reach it.
import { formatDuration, t } from "../i18n.js";
import { away, base, server, version } from "../store.js";
import { html } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { State } from "../widgets/icon.js";

export function Plate() {
  const about = server.value;
  const address = about?.address || `${location.origin}${base}`;
  const seconds = about ? Math.max(0, (Date.now() - Date.parse(about.started_at)) / 1000) : 0;
  return html`<section class="plate" aria-label=${t("home.server")}>
    <div class="say">
      <div class="row wide wrap">
        ${away.value
          ? html`<${State} kind="warn"><b class="strong">${t("away.short")}</b><//>`
          : html`<${State} kind="ok"><b class="strong">${about ? t("home.running_for", { time: formatDuration(seconds) }) : t("server.running")}</b><//>`}
        <span class="small muted">${t("home.version", { version: about?.version || version })}, ${t(about?.lan ? "home.reach_lan" : "home.reach_here")}</span>
      </div>
      <div class="address"><code>${address}</code><${CopyButton} text=${address} label=${t("home.copy_address")} dense=${false} /></div>
      <dl class="places">
        ${PLACES.map(([key, path]) => html`<div key=${key}>
          <dt>${t(key)}</dt>
          <dd><code class="clip">${path}</code><${CopyButton} text=${`${address}${path}`} label=${t("home.copy_place", { name: t(key) })} /></dd>
        </div>`)}
      </dl>
    </div>
  </section>`;
}

const PLACES = [["home.place_api", "/api/v1"], ["home.place_mcp", "/mcp"], ["home.place_docs", "/api/docs"]];
