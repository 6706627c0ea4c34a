// People: who may come in, what they may do, and by what they are signed in. For admins.
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { later } from "../widgets/later.js";
import { Tabs } from "../widgets/tabs.js";
import { useTrail } from "../widgets/trail.js";
import { editing, Groups } from "./people_groups.js";
import { Invites } from "./people_invites.js";
import { InviteDialog } from "./people_links.js";
import { Users } from "./people_users.js";

const PANEL = "people-panel";
/** @type {Record<string, any>} */
const PARTS = {
  users: Users,
  invites: Invites,
  groups: Groups,
  access: later(() => import("./people_access.js").then((found) => found.Access)),
  why: later(() => import("./people_why.js").then((found) => found.Why)),
  tokens: later(() => import("./people_keys.js").then((found) => found.AllTokens)),
  sessions: later(() => import("./people_keys.js").then((found) => found.AllSessions)),
  apps: later(() => import("./people_apps.js").then((found) => found.AllApps)),
  log: later(() => import("./people_log.js").then((found) => found.SignInLog)),
};

/** @param {{rest: string[], query: URLSearchParams}} props */
export function People({ rest, query }) {
  const part = rest[0] in PARTS ? rest[0] : "users";
  const Part = PARTS[part];
  const [inviting, invite] = useState(false);
  useTrail(t(`people.tab_${part}`), true);
  useEffect(() => {
    if (query.get("new") !== "1") return;
    invite(true);
    go(href("/people/invites"), { replace: true });
  }, [query.get("new")]);
  const tabs = Object.keys(PARTS).map((name) => ({ name, label: t(`people.tab_${name}`) }));
  return html`<div class="tools">
    <header class="page-head">
      <div class="say"><h1>${t("page.people")}</h1><p>${t(`people.words_${part}`)}</p></div>
      <div class="do">
        ${part === "groups" && html`<button class="btn primary" type="button" onClick=${() => (editing.value = {})}><${Icon} name="plus" />${t("people.new_group")}</button>`}
        ${(part === "users" || part === "invites") && html`<button class="btn primary" type="button" onClick=${() => invite(true)}><${Icon} name="plus" />${t("invite.title")}</button>`}
      </div>
    </header>
    <${Tabs} label=${t("page.people")} tabs=${tabs} current=${part} choose=${(/** @type {string} */ name) => go(href(`/people/${name}`))} panel=${PANEL} />
    <div class="tools-panel" id=${PANEL} role="tabpanel" aria-label=${t(`people.tab_${part}`)}><${Part} key=${part} rest=${rest.slice(1)} query=${query} /></div>
    ${inviting && html`<${InviteDialog} close=${() => invite(false)} />`}
  </div>`;
}
