// Programs that may ask people for access, and what people gave them.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { confirm } from "../widgets/dialog.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { useRows } from "./automations_rows.js";
import { attempt, nameOf } from "./people_data.js";
import { Listing, OwnerCell } from "./people_keys.js";
import { endApp } from "./people_sign_in.js";

export function AllApps() {
  const apps = useRows("oauth_clients", "sort=-id&limit=200&total=false");
  const given = useRows("oauth_tokens", "sort=-last_used_at&limit=200&total=false&expand=owner_id");
  const forget = async (/** @type {any} */ app) => {
    if (!(await confirm({ heading: t("people.app_ask", { name: app.name }), words: t("people.app_gone_words"), verb: t("people.delete"), danger: true }))) return;
    if (await attempt(() => api.delete(`/api/v1/oauth_clients/${app.id}`))) say(t("people.app_deleted", { name: app.name }));
    apps.reload();
    given.reload();
  };
  const users = (/** @type {any} */ app) => (given.data || []).filter((one) => one.client_id === app.id).length;
  return html`<div class="scroll"><div class="column pad-top">
    <${Listing} rows=${apps} label=${t("people.apps")} heads=${[t("people.app"), t("people.redirects"), t("people.confirmed"), ""]}
      none=${{ heading: t("people.none_apps"), words: t("people.none_apps_words"), curl: "gridbear connect" }}
      draw=${(/** @type {any} */ app) => html`<li key=${app.id}><div class="of-keys">
        <div class="min0 what"><p class="clip strong">${app.name}</p><p class="tiny soft clip">${t(`people.app_${app.kind}`)}, ${t("people.app_users", { n: users(app) })}</p></div>
        <span class="tiny soft clip" title=${app.redirects.join("\n")}><code>${app.redirects[0]}</code></span>
        <span class="soft">${app.confirmed_at ? html`<${Ago} iso=${app.confirmed_at} />` : t("people.never")}</span>
        <button class="btn dense" type="button" aria-label=${t("people.delete_app", { name: app.name })} onClick=${() => forget(app)}>${t("people.delete")}</button>
      </div></li>`} />
    ${given.data && given.data.length > 0 && html`<h2 class="section-title">${t("people.given")}</h2>
      <${Listing} rows=${given} label=${t("people.given")} heads=${[t("people.app"), t("people.user"), t("people.used"), ""]} none=${{ heading: "", words: "" }}
        draw=${(/** @type {any} */ one) => html`<li key=${one.id}><div class="of-keys">
          <div class="min0 what"><p class="clip strong">${one.client_name}</p><p class="tiny soft clip">${one.scopes.join(", ")}, <code>${one.resource}</code></p></div>
          <${OwnerCell} row=${one} />
          <span class="soft">${one.last_used_at ? html`<${Ago} iso=${one.last_used_at} />` : t("people.never")}</span>
          <button class="btn dense" type="button" aria-label=${t("people.disconnect", { name: one.client_name })} onClick=${async () => {
            await endApp(one, nameOf(one.expand?.owner_id || { username: "–" }));
            given.reload();
          }}>${t("account.app_remove")}</button>
        </div></li>`} />`}
  </div></div>`;
}
