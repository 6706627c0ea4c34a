// Links that nobody has used yet: invitations and new passwords.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { formatExact, t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { confirm } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Rows, useRows } from "./automations_rows.js";
import { attempt } from "./people_data.js";

const CURL = curl("/auth/invites", { json: '{"role": "member"}' });

export function Invites() {
  const rows = useRows("account_links", "sort=-id&limit=200&total=false");
  const withdraw = async (/** @type {any} */ one, /** @type {string} */ title) => {
    // Its secret is kept nowhere: it can't be brought back.
    if (!(await confirm({ heading: t("people.withdraw_ask", { title }), words: t("people.withdraw_words"), verb: t("people.withdraw"), danger: true }))) return;
    if (await attempt(() => api.delete(`/api/v1/account_links/${one.id}`))) say(t("people.withdrawn"));
    rows.reload();
  };
  const draw = (/** @type {any} */ one) => {
    const title = t(one.purpose === "reset" ? "people.link_reset" : one.username ? "people.link_invite_of" : "people.link_invite", { name: one.username || "" });
    const over = Date.parse(one.expires_at) < Date.now();
    return html`<li class="schedule" key=${one.id}>
      <${Icon} name=${one.purpose === "reset" ? "key" : "mail"} />
      <div class="grow min0 stack tight">
        <p><b>${title}</b></p>
        <p class="small soft">${[t(`people.role_${one.role}`), ...(one.groups || [])].join(", ")}</p>
        <p class="small muted">${t("people.made_by", { name: one.made_by || "–" })} <${Ago} iso=${one.created_at} />, <span title=${formatExact(one.expires_at)}>${t(over ? "people.link_over" : "people.link_until")} <${Ago} iso=${one.expires_at} /></span></p>
      </div>
      <button class="btn dense" type="button" aria-label=${`${t("people.withdraw")}: ${title}`} onClick=${() => withdraw(one, title)}>${t("people.withdraw")}</button>
    </li>`;
  };
  return html`<div class="scroll"><div class="column pad-top">
    <${Rows} rows=${rows} what=${t("people.error")} label=${t("people.tab_invites")} draw=${draw} none=${{ heading: t("people.no_links"), words: t("people.no_links_words"), curl: CURL }} />
  </div></div>`;
}
