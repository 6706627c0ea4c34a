// The server's plate: its address, how long it runs, who can reach it.
import { api } from "../api.js";
import { formatDuration, t } from "../i18n.js";
import { href } from "../router.js";
import { away, base, isAdmin, server, version } from "../store.js";
import { html } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { QrCode } from "../widgets/qr_code.js";

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
    ${isAdmin() && (about ? html`<${Phone} lan=${about.lan} />` : html`<div class="phone"></div>`)}
  </section>`;
}

/** The way in for a phone: its code to photograph, or where it is let in. @param {{lan: boolean}} props */
function Phone({ lan }) {
  const { data } = useLoad(async (signal) => (lan ? (await api.get("/api/v1/server/lan", { signal })).data : null), [lan]);
  if (!lan) {
    return html`<div class="phone"><${Icon} name="phone" size=${24} /><p class="small soft">${t("home.phone_closed")}</p>
      <a class="btn dense" href=${href("/settings/sharing")}>${t("home.phone_let_in")}</a></div>`;
  }
  if (!data?.qr) return data ? null : html`<div class="phone"></div>`;
  return html`<div class="phone"><${QrCode} rows=${data.qr} label=${t("home.phone_qr", { address: data.address })} /><p class="small soft">${t("home.phone_open")}</p></div>`;
}

const PLACES = [["home.place_api", "/api/v1"], ["home.place_mcp", "/mcp"], ["home.place_docs", "/api/docs"]];
