// Choosing models of a file of definitions, and the relations that would lead nowhere by the choice.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";

export const DEFINITIONS = "/api/v1/server/model-definitions";

/** @typedef {{name: string, label: string, label_plural?: string, fields: {name: string, references?: string|null}[]}} Declared a model in a file, or of here */
/** @typedef {{model: Declared, field: string, to: string}} Gap `to` is a name */

/**
 * Relations of the chosen models to those that are not there.
 * @param {Declared[]} models @param {(name: string) => boolean} chosen @param {(name: string) => boolean} absent
 * @returns {Gap[]}
 */
export const gapsOf = (models, chosen, absent) =>
  models.filter((model) => chosen(model.name)).flatMap((model) =>
    model.fields.filter(({ references }) => references && references !== model.name && absent(references)).map((field) => ({ model, field: field.name, to: String(field.references) })));

/** @param {{gaps: Gap[], models: Declared[], words: string, verb: string, add: (names: string[]) => void}} props `words` say what follows from them, `verb` what mends it */
export function Gaps({ gaps, models, words, verb, add }) {
  if (!gaps.length) return null;
  const called = (/** @type {Declared|undefined} */ model) => model?.label_plural || model?.label;
  return html`<div class="note warn gaps" role="status"><${Icon} name="alert" /><div class="stack grow">
    <p>${words}</p>
    <ul class="small">${gaps.map(({ model, field, to }) => html`<li key=${`${model.name}.${field}`}>${t("map.refers", { model: called(model) || model.name, field, to: called(models.find(({ name }) => name === to)) || to })}</li>`)}</ul>
    <p><button class="btn dense" type="button" onClick=${() => add(gaps.map((gap) => gap.to))}>${verb}</button></p>
  </div></div>`;
}

/** @param {Set<string>} names @param {string} name @returns {Set<string>} with it, or without */
export function toggled(names, name) {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}
