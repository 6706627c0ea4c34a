// The form of a model being designed: its names, its fields in their order, who may use it, and the request that does the same.
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { base } from "../store.js";
import { formatJson } from "../json.js";
import { html } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { Labelled, describedBy } from "../widgets/labelled.js";
import { MODEL_ICONS, modelIcon } from "../widgets/model_icon.js";
import { Select } from "../widgets/select.js";
import { blankField, definitionOf, nameFrom, singular } from "./design_draft.js";
import { DesignField } from "./design_field.js";

/** @typedef {import("./design_draft.js").ModelDraft} ModelDraft */

/**
 * @param {{draft: ModelDraft, set: (draft: ModelDraft) => void, errors: Record<string, string>, existing: boolean}} props
 * `existing`: the model is there, so its name and whether it has owners stay
 */
export function DesignForm({ draft, set, errors, existing }) {
  const change = (/** @type {Partial<ModelDraft>} */ changes) => set({ ...draft, ...changes });
  const plural = (/** @type {any} */ event) => {
    const text = event.target.value;
    change({ label_plural: text, ...(draft.named ? {} : { name: nameFrom(text) }), ...(draft.labelled ? {} : { label: singular(text) }) });
  };
  const fields = (/** @type {import("./design_draft.js").FieldDraft[]} */ next) => change({ fields: next });
  const move = (/** @type {number} */ at) => (/** @type {number} */ step) => {
    const to = at + step;
    if (to < 0 || to >= draft.fields.length) return;
    const next = [...draft.fields];
    next.splice(to, 0, ...next.splice(at, 1));
    fields(next);
  };
  const add = () => {
    const field = blankField();
    fields([...draft.fields, field]);
    requestAnimationFrame(() => document.getElementById(`design-${field.key}-label`)?.focus());
  };
  const drop = (/** @type {number} */ at) => () => {
    fields(draft.fields.filter((_field, index) => index !== at));
    requestAnimationFrame(() => document.getElementById("design-add")?.focus());
  };
  return html`<section class="card" aria-labelledby="design-names">
      <header><h2 id="design-names">${t("design.names")}</h2></header>
      <div class="body form">
        <div class="pair">
          <${Labelled} id="design-plural" label=${t("design.plural")} need help=${t("design.plural_help")} error=${errors.label_plural}>
            <input class="input" id="design-plural" value=${draft.label_plural} onInput=${plural} aria-invalid=${errors.label_plural ? "true" : undefined}
              aria-describedby=${describedBy("design-plural", true, errors.label_plural)} /><//>
          <${Labelled} id="design-label" label=${t("design.singular")} help=${t("design.singular_help")} error=${errors.label}>
            <input class="input" id="design-label" value=${draft.label} aria-describedby=${describedBy("design-label", true, errors.label)}
              onInput=${(/** @type {any} */ event) => change({ label: event.target.value, labelled: true })} /><//>
        </div>
        <div class="pair">
          <${Labelled} id="design-name" label=${t("design.name_in_api")} help=${existing ? t("design.name_stays") : t("design.name_help", { address: `${base}/api/v1/${draft.name || "…"}` })} error=${errors.name}>
            <input class="input mono" id="design-name" value=${draft.name} readonly=${existing} autocapitalize="none" spellcheck="false" aria-invalid=${errors.name ? "true" : undefined}
              aria-describedby=${describedBy("design-name", true, errors.name)} onInput=${(/** @type {any} */ event) => change({ name: event.target.value, named: true })} /><//>
          <${Labelled} id="design-description" label=${t("design.description")} help=${t("design.description_help")} error=${errors.description}>
            <input class="input" id="design-description" value=${draft.description} aria-describedby="design-description-help"
              onInput=${(/** @type {any} */ event) => change({ description: event.target.value })} /><//>
        </div>
        <${IconChoice} draft=${draft} choose=${(/** @type {string} */ icon) => change({ icon })} />
      </div>
    </section>
    <section class="card" aria-labelledby="design-fields">
      <header><h2 id="design-fields">${t("design.fields")}</h2><span class="grow">${t("design.field_count", { n: draft.fields.length })}</span></header>
      <ol class="design-fields">
        ${draft.fields.map((field, at) => html`<${DesignField}
          key=${field.key} draft=${field} at=${at} count=${draft.fields.length} owned=${draft.owned} errors=${errors}
          set=${(/** @type {any} */ changes) => fields(draft.fields.map((one) => (one.key === field.key ? { ...one, ...changes } : one)))}
          move=${move(at)} drop=${drop(at)}
        />`)}
      </ol>
      <div class="body"><button class="btn" type="button" id="design-add" onClick=${add}><${Icon} name="plus" />${t("design.add_field")}</button></div>
    </section>
    <${Use} draft=${draft} change=${change} existing=${existing} errors=${errors} />
    <details class="more"><summary>${t("empty.or")}</summary><${Request} draft=${draft} existing=${existing} /></details>`;
}

/** @param {{draft: ModelDraft, choose: (icon: string) => void}} props */
function IconChoice({ draft, choose }) {
  const own = modelIcon({ name: "", group: "yours", fields: draft.fields });
  const one = (/** @type {string} */ icon) => html`<label key=${icon} title=${t(`icon.${icon || "own"}`)}>
    <input class="vh" type="radio" name="design-icon" value=${icon} checked=${draft.icon === icon} onChange=${() => choose(icon)} aria-label=${t(`icon.${icon || "own"}`)} />
    <${Icon} name=${icon || own} />${!icon && html`<span class="small" aria-hidden="true">${t("icon.own")}</span>`}</label>`;
  return html`<fieldset class="bare icon-choice"><legend class="label">${t("design.icon")}</legend>${["", ...MODEL_ICONS].map(one)}</fieldset>`;
}

/** @param {{draft: ModelDraft, change: (changes: Partial<ModelDraft>) => void, existing: boolean, errors: Record<string, string>}} props */
function Use({ draft, change, existing, errors }) {
  const extents = draft.owned ? ["none", "own", "all"] : ["none", "all"];
  const owned = (/** @type {any} */ event) => {
    const next = event.target.checked;
    const fit = (/** @type {string} */ extent) => (!next && extent === "own" ? "all" : extent);
    change({ owned: next, members: fit(draft.members), guests: next ? draft.guests : draft.guests === "own" ? "none" : draft.guests });
  };
  const choice = (/** @type {"members"|"guests"} */ who) => html`<${Labelled} id=${`design-${who}`} label=${t(`design.${who}`)} error=${errors[who]}>
    <${Select} id=${`design-${who}`} value=${draft[who]} onChange=${(/** @type {any} */ event) => change({ [who]: event.target.value })}>
      ${extents.map((extent) => html`<option key=${extent} value=${extent} selected=${extent === draft[who]}>${t(`design.extent_${extent}`)}</option>`)}
    <//><//>`;
  const named = draft.fields.filter((field) => field.name && !["json", "tags", "boolean"].includes(field.type));
  return html`<section class="card" aria-labelledby="design-use">
    <header><h2 id="design-use">${t("design.use")}</h2></header>
    <div class="body form">
      <div class="pair">${choice("members")}${choice("guests")}</div>
      <div class="pair">
        <${Labelled} id="design-title" label=${t("design.title_field")} help=${t("design.title_help")}>
          <${Select} id="design-title" value=${draft.title_field} aria-describedby="design-title-help" onChange=${(/** @type {any} */ event) => change({ title_field: event.target.value })}>
            <option value="" selected=${!draft.title_field}>${t("design.title_first")}</option>
            ${named.map((field) => html`<option key=${field.key} value=${field.name} selected=${field.name === draft.title_field}>${field.label || field.name}</option>`)}
          <//><//>
        <div class="stack checks">
          <div class="check-row"><input class="check" type="checkbox" id="design-owned" checked=${draft.owned} disabled=${existing} onChange=${owned} /><label for="design-owned">${t("design.owned")}</label></div>
          <div class="check-row"><input class="check" type="checkbox" id="design-history" checked=${draft.history} onChange=${(/** @type {any} */ event) => change({ history: event.target.checked })} /><label for="design-history">${t("design.history")}</label></div>
        </div>
      </div>
    </div>
  </section>`;
}

/** @param {{draft: ModelDraft, existing: boolean}} props */
function Request({ draft, existing }) {
  const { definition } = definitionOf(draft);
  const { name, owned, ...rest } = definition;
  const path = "/api/v1/models";
  return html`<${Copyable} text=${existing ? curl(`${path}/${name}`, { method: "PATCH", json: formatJson(rest) }) : curl(path, { json: formatJson({ name, owned, ...rest }) })} />`;
}
