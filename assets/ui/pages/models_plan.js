// What a file of definitions would do, model by model, or which of its places are wrong.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Trouble } from "../widgets/trouble.js";

/**
 * @typedef {{model: string, label: string, action: "create"|"change"|"none", parts: string[], fields: {name: string, change: "added"|"removed"|"changed", parts: string[]}[],
 *   losses: {field: string, change: string, records: number}[]}} Step
 */

/** @param {Step["losses"][0]} loss @param {string} field as it is called there */
export const lossOf = (loss, field) => t("defs.loss", { field, change: loss.change, n: loss.records });

/** @param {Step["fields"][0]} field */
const inWords = (field) => (field.change === "changed" ? t("defs.parts_of", { name: field.name, parts: field.parts.join(", ") }) : field.name);

/** @param {{step: Step, declared: any, chosen: boolean, toggle: () => void}} props `declared` as the file says */
export function StepRow({ step, declared, chosen, toggle }) {
  const same = step.action === "none";
  const id = `defs-${step.model}`;
  const kind = { create: "ok", change: "warn", none: "" }[step.action];
  const by = (/** @type {string} */ change) => step.fields.filter((field) => field.change === change);
  return html`<li class=${`defs-step ${chosen && !same ? "" : "off"}`}>
    ${same ? html`<span></span>` : html`<input class="check" type="checkbox" id=${id} checked=${chosen} onChange=${toggle} />`}
    <div class="min0 stack tight">
      <p class="row wrap"><label class="strong" for=${same ? undefined : id}>${step.label}</label><code class="small">${step.model}</code><span class=${`tag ${kind}`}>${t(`defs.${step.action}`)}</span></p>
      ${step.action === "create" && html`<p class="small soft">${t("defs.fields", { n: declared.fields.length, names: declared.fields.map((/** @type {any} */ one) => one.name).join(", ") })}</p>`}
      ${["added", "removed", "changed"].map((change) => by(change).length > 0 && html`<p class="small soft" key=${change}>${t(`defs.field_${change}`, { names: by(change).map(inWords).join(", ") })}</p>`)}
      ${step.parts.length > 0 && html`<p class="small soft">${t("defs.parts", { parts: step.parts.join(", ") })}</p>`}
      ${step.losses.map((loss) => html`<p class="small bad-ink" key=${loss.field}><${Icon} name="alert" size=${14} /> ${lossOf(loss, loss.field)}</p>`)}
    </div>
  </li>`;
}

/** A place of the file by the names in it: `models.0.fields.2.type` is "books › year › type". @param {any} given @param {string} place */
function named(given, place) {
  let at = given;
  /** @type {string[]} */
  const words = [];
  for (const part of place.split(".")) {
    at = at?.[part];
    // The lists are told by the names of what is in them.
    if (!Array.isArray(at)) words.push(/^\d+$/.test(part) ? String(at?.name || `${Number(part) + 1}.`) : part);
  }
  return words.join(" › ");
}

/** What is wrong with the file, by its places. @param {{problem: any, source: import("./models_import.js").Source|null, without: (places: Set<number>) => void}} props `without`: looks at the rest of the models */
export function Refusal({ problem, source, without }) {
  const places = Object.entries(problem.fields || {});
  if (!places.length) return html`<${Trouble} error=${problem} what=${t("defs.failed")} />`;
  const bad = new Set(places.map(([place]) => Number(/^models\.(\d+)/.exec(place)?.[1] ?? -1)));
  const others = (source?.given?.models?.length || 0) - bad.size;
  return html`<div class="stack" role="alert">
    <p class="note bad"><${Icon} name="alert" /><span>${t("defs.refused", { n: places.length, name: source?.name || "" })}</span></p>
    <ul class="places">${places.map(([place, told]) => html`<li key=${place}><code title=${place}>${named(source?.given, place)}</code><span>${/** @type {any} */ (told).message}</span></li>`)}</ul>
    ${!bad.has(-1) && others > 0 && html`<p><button class="btn" type="button" onClick=${() => without(bad)}>${t("defs.without", { n: others })}</button></p>`}
  </div>`;
}
