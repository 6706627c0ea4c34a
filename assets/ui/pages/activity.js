// Activity: what was asked of the server, the calls of tools, sign-ins, the audit log and the server's own log. Members find their own there.
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { isAdmin, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { Tabs } from "../widgets/tabs.js";
import { useTrail } from "../widgets/trail.js";
import { Sessions } from "./account_sessions.js";
import { Audit } from "./activity_audit.js";
import { ServerLog } from "./activity_log.js";
import { Requests } from "./activity_requests.js";
import { Calls } from "./tools_calls.js";
import { useServers } from "./tools_states.js";

const PANEL = "activity-panel";

/** @param {{rest: string[], query: URLSearchParams}} props */
export function Activity({ rest, query }) {
  const audit = Boolean(modelNamed("audit_entries"));
  const names = ["requests", ...(modelNamed("tool_calls") ? ["calls"] : []), "signins", ...(audit ? ["audit"] : []), ...(isAdmin() ? ["log"] : [])];
  const part = names.includes(rest[0]) ? rest[0] : "requests";
  useTrail(t(`activity.tab_${part}`), true);
  const tabs = names.map((name) => ({ name, label: t(`activity.tab_${name}`) }));
  return html`<div class="tools">
    <header class="page-head"><div class="say"><h1>${t("page.activity")}</h1><p>${t(isAdmin() ? "activity.words" : "activity.words_own")}</p></div></header>
    <${Tabs} label=${t("page.activity")} tabs=${tabs} current=${part} choose=${(/** @type {string} */ name) => go(href(`/activity/${name}`))} panel=${PANEL} />
    <div class="tools-panel" id=${PANEL} role="tabpanel" aria-label=${t(`activity.tab_${part}`)}>
      ${part === "log" ? html`<${ServerLog} query=${query} />`
        : part === "calls" ? html`<${ToolCalls} query=${query} />`
        : part === "audit" ? html`<${Audit} key="audit" place="/activity/audit" query=${query} kinds=${[]} />`
        : part === "signins" ? (audit ? html`<${Audit} key="signins" place="/activity/signins" query=${query} kinds=${SIGN_INS} />` : html`<div class="scroll"><div class="column pad-top account"><${Sessions} /></div></div>`)
        : html`<${Requests} query=${query} />`}
    </div>
  </div>`;
}

const SIGN_INS = ["sign_in", "sign_out", "sign_in_failed", "sign_in_throttled", "sessions_ended", "password_refused", "link_used", "app_allowed"];

/** @param {{query: URLSearchParams}} props */
function ToolCalls({ query }) {
  return html`<${Calls} query=${query} servers=${useServers().servers} place="/activity/calls" />`;
}
