// The whole policy as one table: each role and group, each model, each verb; a cell opens what decides it.
import { api } from "../api.js";
import { useFresh } from "../events.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { html, useRef } from "../vendor/preact.js";
import { useLoad } from "../widgets/load.js";
import { Select } from "../widgets/select.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { AccessCell, subjectName } from "./people_cell.js";
import { May } from "./people_may.js";

export const VERBS = ["list", "read", "create", "update", "delete"];
const PARTS = ["yours", "plugins", "system"];
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** @param {{query: URLSearchParams}} props */
export function Access({ query }) {
  const { data, error, slow, reload, look } = useLoad(async (signal) => (await api.get("/api/v1/access/matrix", { signal })).data, []);
  useFresh(["access_rules", "groups", "models"], look);
  const move = (/** @type {Record<string, string>} */ changes) => go(href("/people/access", { ...Object.fromEntries(query), ...changes }), { replace: true });
  const group = query.get("group") || "";
  const all = data?.subjects || [];
  const subjects = all.filter((/** @type {any} */ one) => one.kind === "role" || !group || (group === String(one.id)));
  const [who, name, verb] = [query.get("who"), query.get("model"), query.get("verb")];
  const subject = subjects.find((/** @type {any} */ one) => one.key === who);
  const model = data?.models.find((/** @type {any} */ one) => one.name === name);
  const open = subject && model && verb && model.verbs.includes(verb);
  // What belongs to the system is many, and seldom what one came for.
  const system = query.get("system") === "1" || model?.group === "system";
  const close = () => {
    move({ who: "", model: "", verb: "" });
    requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector(`[data-cell="${who}/${name}/${verb}"]`))?.focus());
  };
  return html`<div class="scroll"><div class="column pad-top">
    ${error && !data && html`<${Trouble} error=${error} what=${t("matrix.error")} retry=${reload} />`}
    ${slow && !data && html`<section class="card"><${Skeleton} rows=${8} /></section>`}
    ${data && html`<div class="row wrap wide small soft legend">
        ${["all", "own", "none"].map((extent) => html`<span class="row" key=${extent}><${May} extent=${extent} />${t(`access.extent_${extent}`)}</span>`)}
        <span class="row"><i class="sq" aria-hidden="true"></i>${t("matrix.changed")}</span>
        <span class="letters">${VERBS.map((verb) => html`<span class="row tight" key=${verb}><b>${t(`matrix.letter_${verb}`)}</b>${t(`access.verb_${verb}`)}</span>`)}</span>
        <span class="grow"></span>
        ${all.length > 2 && html`<${Select} dense aria-label=${t("matrix.groups")} value=${group} onChange=${(/** @type {any} */ event) => move({ group: event.target.value })}>
          <option value="" selected=${!group}>${t("matrix.all_groups")}</option>
          ${all.filter((/** @type {any} */ one) => one.kind === "group").map((/** @type {any} */ one) => html`<option key=${one.id} value=${String(one.id)} selected=${group === String(one.id)}>${one.name}</option>`)}
        <//>`}
      </div>
      <div class=${`access ${open ? "open" : ""}`}>
        <div class="stack">
          <${Matrix} models=${data.models.filter((/** @type {any} */ one) => system || one.group !== "system")} subjects=${subjects} current=${open ? `${who}/${name}/${verb}` : ""}
            choose=${(/** @type {string} */ key, /** @type {string} */ of, /** @type {string} */ what) => move({ who: key, model: of, verb: what })} />
          <div class="row wrap between"><button class="btn dense" type="button" aria-pressed=${system ? "true" : "false"} onClick=${() => move({ system: system ? "" : "1", ...(system && { who: "", model: "", verb: "" }) })}>${t(system ? "matrix.less" : "matrix.more", { n: data.models.filter((/** @type {any} */ one) => one.group === "system").length })}</button>
            <span class="small muted">${t("matrix.admins")}</span></div>
        </div>
        ${open && html`<${AccessCell} key=${`${who}/${name}/${verb}`} subject=${subject} model=${model} verb=${verb} close=${close} reload=${reload} />`}
      </div>`}
  </div></div>`;
}

/** @param {{models: any[], subjects: any[], current: string, choose: (key: string, model: string, verb: string) => void}} props */
function Matrix({ models, subjects, current, choose }) {
  const table = useRef(/** @type {HTMLElement|null} */ (null));
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    const from = /** @type {HTMLElement|null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-cell]"));
    if (!step || !from) return;
    event.preventDefault();
    const rows = [.../** @type {HTMLElement} */ (table.current).querySelectorAll("tr:has([data-cell])")].map((row) => [...row.querySelectorAll("td")]);
    const at = rows.findIndex((cells) => cells.some((cell) => cell.contains(from)));
    let [y, x] = [at, rows[at].findIndex((cell) => cell.contains(from))];
    // Cells that no rule concerns are stepped over.
    do {
      y += step[0];
      x += step[1];
      const next = /** @type {HTMLElement|null|undefined} */ (rows[y]?.[x]?.querySelector("button"));
      if (next) return next.focus();
    } while (rows[y]?.[x]);
  };
  const first = current || `${subjects[0].key}/${models[0]?.name}/${models[0]?.verbs[0]}`;
  return html`<div class="matrix-wrap" tabindex="0" role="region" aria-label=${t("people.tab_access")}><table class="matrix" aria-label=${t("matrix.title")} ref=${table} onKeyDown=${onKey}>
    <thead>
      <tr><th rowspan="2" scope="col">${t("matrix.model")}</th>${subjects.map((one) => html`<th key=${one.key} colspan="5" class="role" scope="colgroup" title=${subjectName(one)}>${subjectName(one)}${one.kind === "group" && html`<small>${t("matrix.group")}</small>`}</th>`)}</tr>
      <tr>${subjects.map((one) => VERBS.map((verb, at) => html`<th key=${`${one.key}${verb}`} scope="col" class=${at ? undefined : "role"}><abbr title=${t(`access.verb_${verb}`)}>${t(`matrix.letter_${verb}`)}</abbr></th>`))}</tr>
    </thead>
    ${PARTS.map((part) => {
      const some = models.filter((one) => one.group === part);
      return some.length > 0 && html`<tbody key=${part}>
        <tr class="group"><th colspan=${subjects.length * 5 + 1} scope="colgroup">${t(`data.group_${part}`)}</th></tr>
        ${some.map((model) => html`<tr key=${model.name}><th scope="row" title=${`${model.label_plural}, ${model.name}`}>${model.label_plural}</th>${subjects.map((subject) => VERBS.map((verb, at) => {
          const name = `${subject.key}/${model.name}/${verb}`;
          return html`<${Cell} key=${name} name=${name} first=${!at} focusable=${name === first} pressed=${name === current} subject=${subject} model=${model} verb=${verb} choose=${choose} />`;
        }))}</tr>`)}
      </tbody>`;
    })}
  </table></div>`;
}

/** @param {{name: string, first: boolean, focusable: boolean, pressed: boolean, subject: any, model: any, verb: string, choose: (key: string, model: string, verb: string) => void}} props */
function Cell({ name, first, focusable, pressed, subject, model, verb, choose }) {
  if (!model.verbs.includes(verb)) return html`<td class=${first ? "role" : undefined}><span class="muted" aria-label=${t("matrix.not_offered")} role="img">·</span></td>`;
  const cell = model.access[subject.key][verb];
  const says = cell.default === null && cell.rule_id === null ? t("matrix.silent") : t(`access.extent_${cell.extent}`);
  const words = t("matrix.cell", { who: subjectName(subject), verb: t(`access.verb_${verb}`), model: model.label_plural, says });
  const more = [cell.rule_id !== null && t("matrix.changed"), cell.hidden_fields.length > 0 && t("matrix.hides", { n: cell.hidden_fields.length })].filter(Boolean);
  return html`<td class=${first ? "role" : undefined}><button type="button" data-cell=${name} data-changed=${cell.rule_id !== null ? "" : undefined} data-hides=${cell.hidden_fields.length ? "" : undefined}
    tabindex=${focusable ? 0 : -1} aria-pressed=${pressed ? "true" : "false"} aria-label=${[words, ...more].join(", ")} title=${[says, ...more].join(", ")} onClick=${() => choose(subject.key, model.name, verb)}>
    <${May} extent=${cell.default === null && cell.rule_id === null ? "silent" : cell.extent} /></button></td>`;
}
