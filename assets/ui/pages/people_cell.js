// One cell of the access table: what decides it, and the rule that an admin sets, changes or takes away.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { modelNamed } from "../store.js";
import { sayChanged } from "../undo.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Avatar } from "../widgets/avatar.js";
import { useBusy } from "../widgets/busy.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { inSentence } from "../widgets/words.js";
import { attempt, end, make, nameOf } from "./people_data.js";

const EXTENTS = ["none", "own", "all"];
const RULES = "access_rules";
/** How many people with most records are named. */
const MOST_OWNERS = 5;

/** @param {any} subject of the access table */
export function subjectName(subject) {
  return subject.kind === "role" ? t(`people.role_${subject.role}`) : subject.name;
}

/** @param {{subject: any, model: any, verb: string, close: () => void, reload: () => void}} props */
export function AccessCell({ subject, model, verb, close, reload }) {
  const cell = model.access[subject.key][verb];
  const [forAll, setForAll] = useState(cell.any);
  const heading = useRef(/** @type {HTMLElement|null} */ (null));
  const panel = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    // Beside the table it is seen anyway; below it, it has to be brought into view.
    if (!matchMedia("(min-width: 1100px)").matches) panel.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const who = subjectName(subject);
  const does = t(`access.verb_${verb}`);
  const told = t("matrix.told", { who, verb: does, model: model.label_plural });
  const [, once] = useBusy();
  /** Sets the rule that decides here, or makes one. @param {Record<string, any>} values */
  const set = (values) => once(async () => {
    const change = cell.rule_id !== null && cell.any === forAll;
    if (change) {
      await attempt(async () => {
        const { data } = await api.patch(`/api/v1/${RULES}/${cell.rule_id}`, values);
        sayChanged(/** @type {any} */ (modelNamed(RULES)), data, told);
      });
    } else {
      const subjects = subject.kind === "role" ? { role: subject.role } : { group_id: subject.id };
      await make(RULES, { ...subjects, model: model.name, verb: forAll ? "any" : verb, extent: cell.extent, hidden_fields: cell.hidden_fields, ...values }, told);
    }
    reload();
  });
  const reset = () => once(async () => {
    await end(RULES, cell.rule_id, t("matrix.reset_done", { who, verb: does, model: model.label_plural }));
    reload();
  });
  const possible = (/** @type {string} */ extent) => EXTENTS.indexOf(extent) <= EXTENTS.indexOf(cell.most) && !(extent === "own" && !model.owner_column && verb !== "create");
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    close();
  };
  return html`<aside class="why" aria-labelledby="cell-title" ref=${panel} onKeyDown=${onKey}>
    <div class="row"><h2 class="grow" id="cell-title" tabindex="-1" ref=${heading}>${t("matrix.heading", { who, verb: does, model: model.label_plural })}</h2>
      <button class="btn only quiet dense" type="button" aria-label=${t("do.close")} title=${t("do.close")} onClick=${close}><${Icon} name="close" /></button></div>
    ${cell.most === "none" ? html`<p class="note"><${Icon} name="lock" /><span>${t("matrix.closed", { model: model.label_plural })}</span></p>` : html`
      <div class="segmented" role="group" aria-label=${does}>${EXTENTS.map((extent) => html`<button key=${extent} type="button" disabled=${!possible(extent)}
        aria-pressed=${cell.extent === extent && (cell.default !== null || cell.rule_id !== null) ? "true" : "false"} onClick=${() => set({ extent })}>${t(`matrix.extent_${extent}`)}</button>`)}</div>
      ${(cell.any || cell.rule_id === null) && html`<div class="check-row"><input class="check" type="checkbox" id="cell-any" checked=${forAll} onChange=${(/** @type {any} */ event) => setForAll(event.target.checked)} /><label for="cell-any">${t("matrix.for_all")}</label></div>`}
      ${cell.extent === "own" && verb !== "create" && html`<${Owners} model=${model} />`}
      <${Hidden} key=${cell.hidden_fields.join(",")} model=${model} cell=${cell} set=${set} />`}
    <div class="stack"><h3>${t("people.tab_why")}</h3><${Deciding} subject=${subject} cell=${cell} who=${who} /></div>
    <div class="row wrap">
      <a class="btn dense" href=${href("/people/why", { model: model.name, verb })}><${Icon} name="search" />${t("matrix.ask")}</a>
      ${cell.rule_id !== null && html`<button class="btn dense quiet" type="button" onClick=${reset}><${Icon} name="trash" />${t("matrix.reset")}</button>`}
    </div>
  </aside>`;
}

/** What speaks for the cell, the one that decides marked. @param {{subject: any, cell: any, who: string}} props */
function Deciding({ subject, cell, who }) {
  const { data } = useLoad(async (signal) => (cell.rule_id === null ? null : (await api.get(`/api/v1/${RULES}/${cell.rule_id}/history`, { signal, query: "limit=1" })).data[0] || null), [cell.rule_id, cell.extent, cell.hidden_fields.length]);
  return html`<ol>
    ${subject.kind === "role"
      ? html`<li class=${cell.rule_id === null ? "won" : undefined}><b>${t("matrix.default")}</b><span class="says">${t(`access.extent_${cell.default}`)}.${cell.rule_id === null && ` ${t("matrix.decides")}`}</span></li>`
      : html`<li class=${cell.rule_id === null ? "won" : undefined}><b>${t("matrix.roles_first")}</b>${t(cell.rule_id === null ? "matrix.silent_words" : "matrix.adds")}</li>`}
    ${cell.rule_id !== null && html`<li class="won"><b>${t(cell.any ? "matrix.rule_any" : "matrix.rule", { who })}</b><span class="says">${t(`access.extent_${cell.extent}`)}. ${t("matrix.decides")}</span>
      ${data && html`<span class="muted">${t("matrix.set_by", { name: data.actor_name })} <${Ago} iso=${data.at} />.</span>`}</li>`}
  </ol>`;
}

/** @param {{model: any, cell: any, set: (values: Record<string, any>) => void}} props */
function Hidden({ model, cell, set }) {
  const [hidden, setHidden] = useState(/** @type {string[]} */ (cell.hidden_fields));
  const fields = (modelNamed(model.name)?.fields || []).filter((field) => field.name !== "id");
  const changed = hidden.length !== cell.hidden_fields.length || hidden.some((name) => !cell.hidden_fields.includes(name));
  const toggle = (/** @type {string} */ name) => setHidden(hidden.includes(name) ? hidden.filter((one) => one !== name) : [...hidden, name]);
  if (!fields.length) return null;
  return html`<details class="folded" open=${cell.hidden_fields.length > 0}><summary><${Icon} name="right" size=${14} extra="turn" /><b>${t("matrix.hidden")}</b><span class="muted">${hidden.length || t("matrix.no_hidden")}</span></summary>
    <div class="stack fields">
      ${fields.map((field) => html`<div class="check-row" key=${field.name}><input class="check" type="checkbox" id=${`hide-${field.name}`} checked=${hidden.includes(field.name)} onChange=${() => toggle(field.name)} /><label for=${`hide-${field.name}`}>${field.label}</label></div>`)}
    </div>
    ${changed && html`<div class="row hide-do"><button class="btn dense primary" type="button" onClick=${() => set({ hidden_fields: hidden })}>${t("matrix.hide", { n: hidden.length })}</button></div>`}</details>`;
}

/** Whose records there are: what "own" comes to. @param {{model: any}} props */
function Owners({ model }) {
  const { data } = useLoad(async (signal) => {
    const [groups, users] = await Promise.all([
      api.get(`/api/v1/${model.name}/aggregate`, { signal, query: `group_by=${model.owner_column}&limit=${MOST_OWNERS}` }),
      api.get("/api/v1/users", { signal, query: "limit=500&total=false&fields=id,username,display_name" }),
    ]);
    const people = new Map(users.data.map((/** @type {any} */ one) => [one.id, one]));
    return groups.data.map((/** @type {any} */ one) => ({ person: people.get(one.group[model.owner_column]), n: one.count })).filter((/** @type {any} */ one) => one.person);
  }, [model.name]);
  if (!data?.length) return null;
  return html`<div class="stack"><p class="small soft">${t("matrix.own_is", { model: inSentence(model.label_plural) })}</p>
    <ul class="stack tight small">${data.map((/** @type {any} */ one) => html`<li class="row" key=${one.person.id}><${Avatar} id=${one.person.id} name=${nameOf(one.person)} small /><span class="grow clip">${nameOf(one.person)}</span><span class="num soft">${t("matrix.records", { n: one.n })}</span></li>`)}</ul></div>`;
}
