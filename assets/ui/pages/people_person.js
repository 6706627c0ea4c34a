// One person beside the list: what they are, how they sign in, by what they are signed in, and their end.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { modelNamed, person } from "../store.js";
import { sayChanged } from "../undo.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Avatar } from "../widgets/avatar.js";
import { useBusy } from "../widgets/busy.js";
import { useHere } from "../widgets/here.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { Select } from "../widgets/select.js";
import { Ago } from "../widgets/time.js";
import { Skeleton, Trouble, sentence } from "../widgets/trouble.js";
import { useUnsaved } from "../widgets/unsaved.js";
import { ROLES, attempt, end, make, nameOf, useGroups } from "./people_data.js";
import { LeaveDialog } from "./people_leave.js";
import { ResetLink } from "./people_links.js";
import { FactorOf, PersonApps, PersonSessions, PersonTokens } from "./people_sign_in.js";

/** @param {{id: string, round: number, close: () => void, changed: () => void}} props */
export function PersonDrawer({ id, round, close, changed }) {
  const { data, error, slow, reload } = useLoad(async (signal) => {
    const { data: user, etag } = await api.get(`/api/v1/users/${id}`, { signal });
    return { user, etag };
  }, [id, round]);
  const [leaving, leave] = useState(false);
  const here = useHere();
  const heading = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
      event.preventDefault();
      close();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [id]);
  const user = data?.user;
  return html`<aside class="drawer person-drawer" aria-labelledby="person-title">
    <header>
      <div class="say">
        <h2 id="person-title" tabindex="-1" ref=${heading}>${user ? nameOf(user) : t("people.user")}</h2>
        <p class="mono">users/${id}${user && html`, ${t("people.since")} <${Ago} iso=${user.created_at} />`}</p>
      </div>
      <button class="btn only quiet" type="button" onClick=${close} aria-label=${t("do.close")} title=${t("do.close")}><${Icon} name="close" /></button>
    </header>
    <div class="scroll" tabindex="0" role="region" aria-label=${t("people.about")}>
      ${error && !data && html`<${Trouble} error=${error} what=${t("people.error")} retry=${reload} />`}
      ${slow && !data && html`<${Skeleton} rows=${6} />`}
      ${user && html`<div class="stack sections">
        <${Profile} key=${user.id} user=${user} etag=${data.etag} again=${changed} />
        <${Standing} user=${user} again=${changed} />
        <${GroupsOf} user=${user} round=${round} changed=${changed} />
        <${PersonSessions} user=${user} round=${round} />
        <${PersonTokens} user=${user} round=${round} />
        <${PersonApps} user=${user} round=${round} />
        <section><div class="row wrap">
          <a class="btn dense" href=${href("/people/why", { user: user.id })}><${Icon} name="shield" />${t("people.ask_why")}</a>
          <a class="btn dense" href=${href("/people/log", { about: user.username })}><${Icon} name="clock" />${t("people.their_log")}</a>
          ${user.id !== person.value?.id && html`<button class="btn dense danger" type="button" onClick=${() => leave(true)}><${Icon} name="trash" />${t("people.delete")}</button>`}
        </div></section>
      </div>`}
    </div>
    ${leaving && html`<${LeaveDialog} user=${user} close=${() => leave(false)} gone=${() => {
      leave(false);
      if (here()) close();
      changed();
    }} />`}
  </aside>`;
}

/** @param {{user: any, etag: string|null, again: () => void}} props */
function Profile({ user, etag, again }) {
  // What was typed stays over what is newer of the rest: a switch further down changes the person too.
  const [typed, setTyped] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  /** @type {Record<string, string>} */
  const values = { display_name: user.display_name || "", email: user.email || "", role: user.role, ...typed };
  const changed = Object.keys(typed).filter((name) => typed[name].trim() !== (user[name] || ""));
  useUnsaved(changed.length > 0);
  const set = (/** @type {string} */ name) => (/** @type {any} */ event) => setTyped({ ...typed, [name]: event.target.value });
  const [busy, once] = useBusy();
  const save = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    const changes = Object.fromEntries(changed.map((name) => [name, values[name].trim() || null]));
    try {
      const { data } = await api.patch(`/api/v1/users/${user.id}`, changes, etag ? { headers: { "if-match": etag } } : {});
      setProblem(null);
      setTyped(Object.fromEntries(changed.map((name) => [name, data[name] || ""])));
      sayChanged(/** @type {any} */ (modelNamed("users")), data, t("form.saved", { title: nameOf(data) }));
      again();
    } catch (refused) {
      setProblem(refused);
    }
  };
  const about = (/** @type {string} */ name) => problem?.fields?.[name]?.message;
  return html`<section><form class="form" onSubmit=${save}>
    <div class="row wide"><${Avatar} id=${user.id} name=${nameOf(user)} /><code class="clip">${user.username}</code></div>
    <${Labelled} id="person-name" label=${t("account.name")} error=${about("display_name")}>
      <input class=${`input ${changed.includes("display_name") ? "changed" : ""}`} id="person-name" autocomplete="off" value=${values.display_name} aria-invalid=${about("display_name") ? "true" : undefined} onInput=${set("display_name")} /><//>
    <${Labelled} id="person-email" label=${t("account.email")} error=${about("email")}>
      <input class=${`input ${changed.includes("email") ? "changed" : ""}`} id="person-email" inputmode="email" autocomplete="off" value=${values.email} aria-invalid=${about("email") ? "true" : undefined} onInput=${set("email")} /><//>
    <${Labelled} id="person-role" label=${t("people.role")} help=${user.id === person.value?.id ? t("people.own_role") : null} error=${about("role")}>
      <${Select} id="person-role" aria-describedby=${user.id === person.value?.id ? "person-role-help" : undefined} value=${values.role} onChange=${set("role")}>
        ${ROLES.map((one) => html`<option key=${one} value=${one} selected=${one === values.role}>${t(`invite.role_${one}`)}</option>`)}
      <//><//>
    ${problem && !Object.keys(problem.fields).length && html`<div class="field"><${FieldError} text=${sentence(problem)} /></div>`}
    ${changed.length > 0 && html`<div class="row"><button class="btn primary" type="submit" disabled=${busy}>${t("account.save")}</button>
      <button class="btn quiet" type="button" onClick=${() => setTyped({})}>${t("form.discard")}</button></div>`}
  </form></section>`;
}

/** Whether they may come in, and by what. @param {{user: any, again: () => void}} props */
function Standing({ user, again }) {
  const toggle = async (/** @type {any} */ event) => {
    const is_active = event.target.checked;
    // The switch shows what is so, not what was asked for.
    event.target.checked = user.is_active;
    await attempt(async () => {
      const { data } = await api.patch(`/api/v1/users/${user.id}`, { is_active });
      sayChanged(/** @type {any} */ (modelNamed("users")), data, t(is_active ? "people.did_enable" : "people.did_disable", { name: nameOf(user) }));
    });
    again();
  };
  return html`<section aria-labelledby="person-in"><h3 id="person-in">${t("account.sign_in")}</h3>
    <ul class="plain-list tight-list">
      <li><div class="grow min0"><p>${t("people.may_sign_in")}</p><p class="small soft">${t("people.may_sign_in_words")}</p></div>
        <input class="switch" type="checkbox" role="switch" aria-label=${t("people.may_sign_in")} checked=${user.is_active} onChange=${toggle} /></li>
      <li><p class="grow">${t("account.password")}</p><${ResetLink} id=${user.id} name=${nameOf(user)} /></li>
      <${FactorOf} user=${user} again=${again} />
    </ul></section>`;
}

/** @param {{user: any, round: number, changed: () => void}} props */
function GroupsOf({ user, round, changed }) {
  const { data } = useGroups(round);
  const mine = new Map((data?.members || []).filter((one) => one.user_id === user.id).map((one) => [one.group_id, one.id]));
  const toggle = async (/** @type {any} */ group) => {
    const words = { name: nameOf(user), group: group.name };
    const member = mine.get(group.id);
    if (member) await end("group_members", member, t("people.left", words));
    else await make("group_members", { group_id: group.id, user_id: user.id }, t("people.joined", words));
    changed();
  };
  if (!data) return null;
  return html`<section><fieldset class="stack bare"><legend><h3>${t("people.groups")}</h3></legend>
    ${!data.groups.length && html`<p class="small soft">${t("people.no_groups")} <a href=${href("/people/groups")}>${t("people.new_group")}</a></p>`}
    ${data.groups.map((group) => html`<div class="check-row" key=${group.id}>
      <input class="check" type="checkbox" id=${`person-group-${group.id}`} checked=${mine.has(group.id)} onChange=${() => toggle(group)} />
      <label for=${`person-group-${group.id}`}>${group.name}</label></div>`)}
  </fieldset></section>`;
}
