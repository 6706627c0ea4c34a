// Groups: who is in them, and for whom a second factor is a duty.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { useFresh } from "../events.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { modelNamed } from "../store.js";
import { sayChanged } from "../undo.js";
import { html, signal, useRef, useState } from "../vendor/preact.js";
import { Avatar } from "../widgets/avatar.js";
import { useBusy } from "../widgets/busy.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Empty, Trouble, Waiting, sentence } from "../widgets/trouble.js";
import { ROLES, attempt, end, make, nameOf, useEverybody, useGroups } from "./people_data.js";

const DUTY = "second_factor_roles";
const CURL = curl("/api/v1/groups", { json: '{"name": "Family"}' });

/** The group whose name is being written, {} for a new one. @type {import("../types").Signal<any>} */
export const editing = signal(null);

/** Whom the setting names. */
function useDuty() {
  const read = async (/** @type {AbortSignal} */ signal) => (await api.get("/api/v1/settings", { signal, query: `name=${DUTY}` })).data[0] || null;
  const namesIn = (/** @type {any} */ setting) => String(setting?.value || "").split(",").map((one) => one.trim()).filter(Boolean);
  const load = useLoad(read, []);
  const turns = useRef(Promise.resolve());
  /** @param {string} who a role, or group:NAME @param {boolean} on @param {string} name as people call it */
  const turn = (who, on, name) => {
    // It is a list of all of them that is stored: each goes by what there is after the one before it.
    turns.current = turns.current.then(async () => {
      await attempt(async () => {
        const now = await read(new AbortController().signal);
        const others = namesIn(now).filter((one) => one !== who);
        if (on || others.length) await api.post("/api/v1/settings", { name: DUTY, value: [...others, ...(on ? [who] : [])].join(", ") }, { query: "upsert=name" });
        else if (now) await api.delete(`/api/v1/settings/${now.id}`);
        say(t(on ? "people.duty_on" : "people.duty_off", { name }));
      });
      load.reload();
    });
  };
  return { named: namesIn(load.data), turn, reload: load.reload };
}

export function Groups() {
  const page = useGroups();
  const { data, error, reload } = page;
  const everybody = useEverybody();
  const duty = useDuty();
  useFresh(["groups", "group_members", "users", "settings"], () => {
    reload();
    duty.reload();
  });
  return html`<div class="scroll"><div class="column pad-top settles">
    ${error && !data && html`<${Trouble} error=${error} what=${t("people.error")} retry=${reload} />`}
    ${!data && !error && html`<section class="card"><${Waiting} page=${page} rows=${8} /></section>`}
    ${data && (data.groups.length
      ? html`<div class="plugins-grid">${data.groups.map((group) => html`<${Group} key=${group.id} group=${group} members=${data.members.filter((one) => one.group_id === group.id)} everybody=${everybody.data || []} duty=${duty} reload=${reload} />`)}</div>`
      : html`<${Empty} heading=${t("people.none_groups")} words=${t("people.none_groups_words")} curl=${CURL} />`)}
    <section class="card" aria-labelledby="duty-title"><header><h2 id="duty-title">${t("people.duty_roles")}</h2></header>
      <div class="body stack"><p class="small soft">${t("people.duty_words")}</p>
        ${ROLES.map((role) => html`<div class="check-row" key=${role}><input class="check" type="checkbox" id=${`duty-${role}`} checked=${duty.named.includes(role)} onChange=${(/** @type {any} */ event) => duty.turn(role, event.target.checked, t(`people.all_${role}`))} />
          <label for=${`duty-${role}`}>${t(`people.all_${role}`)}</label></div>`)}</div></section>
    ${editing.value && html`<${GroupDialog} group=${editing.value} done=${reload} />`}
  </div></div>`;
}

/** @param {{group: any, members: any[], everybody: any[], duty: ReturnType<typeof useDuty>, reload: () => void}} props */
function Group({ group, members, everybody, duty, reload }) {
  const who = `group:${group.name}`;
  const bound = duty.named.includes(who);
  const inside = new Set(members.map((one) => one.user_id));
  const outside = everybody.filter((one) => !inside.has(one.id));
  const join = async (/** @type {any} */ event) => {
    const user = everybody.find((one) => String(one.id) === event.target.value);
    event.target.value = "";
    if (user) await make("group_members", { group_id: group.id, user_id: user.id }, t("people.joined", { name: nameOf(user), group: group.name }));
    reload();
  };
  const leave = async (/** @type {any} */ one) => {
    await end("group_members", one.id, t("people.left", { name: nameOf(one.expand.user_id), group: group.name }));
    reload();
  };
  const remove = async () => {
    await end("groups", group.id, t("people.group_deleted", { name: group.name }));
    reload();
  };
  return html`<article class="plugin group" aria-labelledby=${`group-${group.id}`}>
    <header>
      <span class="tile"><${Icon} name="people" /></span>
      <div class="grow min0"><h2 class="clip" id=${`group-${group.id}`}>${group.name}</h2><p class="tiny muted">${t("people.members", { n: members.length })}</p></div>
      <button class="btn only quiet dense" type="button" aria-label=${t("people.edit_group", { name: group.name })} title=${t("people.edit_group", { name: group.name })} onClick=${() => (editing.value = group)}><${Icon} name="edit" /></button>
    </header>
    ${group.description && html`<p>${group.description}</p>`}
    ${members.length > 0 && html`<ul class="members">${members.map((one) => {
      const name = nameOf(one.expand.user_id);
      return html`<li key=${one.id} class="row"><${Avatar} id=${one.user_id} name=${name} small /><a class="grow clip" href=${href(`/people/users/${one.user_id}`)}>${name}</a>
        <button class="btn only quiet dense" type="button" aria-label=${t("people.take_out", { name, group: group.name })} title=${t("people.take_out", { name, group: group.name })} onClick=${() => leave(one)}><${Icon} name="close" /></button></li>`;
    })}</ul>`}
    ${outside.length > 0 && html`<span class="select dense"><select class="input dense" aria-label=${t("people.add_to", { group: group.name })} onChange=${join}>
      <option value="">${t("people.add_person")}</option>${outside.map((one) => html`<option key=${one.id} value=${String(one.id)}>${nameOf(one)}</option>`)}</select><${Icon} name="down" /></span>`}
    <div class="row"><label class="grow small" for=${`duty-group-${group.id}`}>${t("people.duty")}</label>
      <input class="switch" type="checkbox" role="switch" id=${`duty-group-${group.id}`} checked=${bound} onChange=${(/** @type {any} */ event) => {
        event.target.checked = bound;
        duty.turn(who, !bound, group.name);
      }} /></div>
    <footer>
      <a class="btn dense" href=${href("/people/access", { group: group.id })}><${Icon} name="shield" />${t("people.its_rights")}</a><span class="grow"></span>
      <button class="btn quiet dense" type="button" onClick=${remove}><${Icon} name="trash" />${t("people.delete")}</button>
    </footer>
  </article>`;
}

/** @param {{group: any, done: () => void}} props */
function GroupDialog({ group, done }) {
  const [name, setName] = useState(group.name || "");
  const [description, setDescription] = useState(group.description || "");
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const close = () => (editing.value = null);
  const [busy, once] = useBusy();
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    const values = { name: name.trim(), description: description.trim() || null };
    try {
      const model = /** @type {any} */ (modelNamed("groups"));
      const { data } = group.id ? await api.patch(`/api/v1/groups/${group.id}`, values) : await api.post("/api/v1/groups", values);
      if (group.id) sayChanged(model, data, t("form.saved", { title: data.name }));
      else say(t("people.group_made", { name: data.name }));
      close();
      done();
    } catch (refused) {
      setProblem(refused);
    }
  };
  const about = (/** @type {string} */ field) => problem?.fields?.[field]?.message;
  return html`<${Dialog} label="group-title" onClose=${close}>
    <h2 id="group-title">${t(group.id ? "people.edit_group" : "people.new_group", { name: group.name || "" })}</h2>
    <form class="form" onSubmit=${submit}>
      <${Labelled} id="group-name" label=${t("account.name")} need error=${about("name")}><input class="input" id="group-name" autocomplete="off" value=${name} aria-invalid=${about("name") ? "true" : undefined} onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><//>
      <${Labelled} id="group-description" label=${t("people.description")} error=${about("description")}><input class="input" id="group-description" autocomplete="off" value=${description} onInput=${(/** @type {any} */ event) => setDescription(event.target.value)} /><//>
      ${problem && !Object.keys(problem.fields).length && html`<div class="field"><${FieldError} text=${sentence(problem)} /></div>`}
      <footer><${Cancel} /><button class="btn primary" type="submit" disabled=${busy || !name.trim()}>${t(group.id ? "account.save" : "people.make_group")}</button></footer>
    </form>
  <//>`;
}
