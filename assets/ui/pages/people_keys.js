// By what everybody is signed in: sessions of browsers and tokens of programs. An admin ends what has no place here.
import { request } from "../api.js";
import { curl } from "../curl.js";
import { formatExact, t } from "../i18n.js";
import { href } from "../router.js";
import { html } from "../vendor/preact.js";
import { Avatar } from "../widgets/avatar.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { deviceName, endSession } from "./account_sessions.js";
import { Cut, Rows, useRows } from "./automations_rows.js";
import { nameOf } from "./people_data.js";
import { endToken } from "./people_sign_in.js";

const LATEST = "sort=-last_used_at&limit=200&total=false&expand=owner_id";

/** @param {{row: any}} props */
export function OwnerCell({ row }) {
  const owner = row.expand?.owner_id;
  if (!owner) return html`<span class="muted">–</span>`;
  return html`<span class="row"><${Avatar} id=${owner.id} name=${nameOf(owner)} small /><a class="clip" href=${href(`/people/users/${owner.id}`)}>${nameOf(owner)}</a></span>`;
}

/** A list with a line of headings above it. @param {{rows: ReturnType<typeof useRows>, label: string, heads: string[], none: any, draw: (row: any) => any, shape?: string}} props */
export function Listing({ rows, label, heads, none, draw, shape = "of-keys" }) {
  if (!rows.data?.length) return html`<${Rows} rows=${rows} what=${t("people.error")} label=${label} none=${none} draw=${draw} />`;
  return html`<div class="card"><div class=${`rows-head ${shape}`} aria-hidden="true">${heads.map((one) => html`<span key=${one}>${one}</span>`)}</div>
    <ul class="rows" aria-label=${label}>${rows.data.map(draw)}</ul></div><${Cut} rows=${rows} />`;
}

export function AllTokens() {
  const rows = useRows("api_tokens", LATEST);
  return html`<div class="scroll"><div class="column pad-top"><${Listing} rows=${rows} label=${t("people.tab_tokens")} heads=${[t("people.token"), t("people.user"), t("people.used"), ""]}
    none=${{ heading: t("people.none_tokens"), words: t("people.none_tokens_words"), curl: curl("/api/v1/api_tokens"), add: { to: href("/account"), label: t("people.add_token") } }}
    draw=${(/** @type {any} */ one) => html`<li key=${one.id}><div class="of-keys">
      <div class="min0 what"><p class="clip strong">${one.name}</p><p class="tiny soft clip"><code>${one.prefix}…</code> ${one.scopes.join(", ")}${one.expires_at && html`, <span title=${formatExact(one.expires_at)}>${t(Date.parse(one.expires_at) < Date.now() ? "account.token_expired" : "account.token_until")} <${Ago} iso=${one.expires_at} /></span>`}</p></div>
      <${OwnerCell} row=${one} />
      <span class="soft">${one.last_used_at ? html`<${Ago} iso=${one.last_used_at} />` : t("people.never")}</span>
      <button class="btn dense" type="button" aria-label=${`${t("account.token_remove")}: ${one.name}`} onClick=${async () => {
        await endToken(one);
        rows.reload();
      }}>${t("account.token_remove")}</button>
    </div></li>`} /></div></div>`;
}

export function AllSessions() {
  const rows = useRows("sessions", LATEST);
  const here = useLoad(async (signal) => (await request("GET", "/auth/me", { signal })).data.session_id, []).data;
  const finish = async (/** @type {any} */ one) => {
    await endSession(one);
    rows.reload();
  };
  return html`<div class="scroll"><div class="column pad-top"><${Listing} rows=${rows} label=${t("people.tab_sessions")} heads=${[t("people.device"), t("people.user"), t("people.used"), ""]}
    none=${{ heading: t("people.none_sessions"), words: t("people.no_sessions"), curl: curl("/api/v1/sessions") }}
    draw=${(/** @type {any} */ one) => html`<li key=${one.id}><div class="of-keys">
      <div class="min0 what"><p class="clip strong" title=${one.device || undefined}>${deviceName(one.device)}</p><p class="tiny soft clip">${one.address || "–"}, ${t("people.since")} <${Ago} iso=${one.created_at} /></p></div>
      <${OwnerCell} row=${one} />
      <span class="soft"><${Ago} iso=${one.last_used_at} /></span>
      ${one.id === here ? html`<span class="tag ok">${t("account.this_one")}</span>` : html`<button class="btn dense" type="button" aria-label=${t("people.sign_out_of", { device: deviceName(one.device) })} onClick=${() => finish(one)}>${t("account.end")}</button>`}
    </div></li>`} /></div></div>`;
}
