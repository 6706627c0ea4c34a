// One field of a model being designed: what is always asked in a line, the rest behind "More".
import { typeOf } from "../fields/index.js";
import { t } from "../i18n.js";
import { models } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled, describedBy } from "../widgets/labelled.js";
import { Select } from "../widgets/select.js";
import { TYPES, asField, nameFrom, optionsOf } from "./design_draft.js";

/** @typedef {import("./design_draft.js").FieldDraft} FieldDraft */

/**
 * @param {{draft: FieldDraft, at: number, count: number, owned: boolean, errors: Record<string, string>, set: (changes: Partial<FieldDraft>) => void,
 *   move: (step: number) => void, drop: () => void}} props
 */
export function DesignField({ draft, at, count, owned, errors, set, move, drop }) {
  const id = `design-${draft.key}`;
  const error = (/** @type {string} */ part) => errors[`${draft.key}.${part}`];
  const hidden = ["default", "choices", "references", "on_delete", "minimum", "maximum", "max_length", "accept", "megabytes", "help"].some((part) => error(part));
  const [open, setOpen] = useState(false);
  const shown = open || hidden;
  const name = draft.label || draft.name || t("design.field_n", { n: at + 1 });
  const label = (/** @type {any} */ event) => {
    const text = event.target.value;
    set(draft.named ? { label: text } : { label: text, name: nameFrom(text) });
  };
  const retype = (/** @type {any} */ event) => {
    const can = optionsOf(event.target.value);
    set({ type: event.target.value, defaultDraft: "", searchable: draft.searchable && can.searchable, unique: can.keyed ? draft.unique : "", indexed: draft.indexed && can.keyed });
    if (can.choices || can.relation) setOpen(true);
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    move(event.key === "ArrowUp" ? -1 : 1);
  };
  return html`<li class="design-field" onKeyDown=${keys} data-field=${draft.key}>
    <div class="line">
      <div class="field"><label class="vh" for=${`${id}-label`}>${t("design.label_of", { n: at + 1 })}</label>
        <input class="input" id=${`${id}-label`} value=${draft.label} placeholder=${t("design.label")} onInput=${label}
          aria-invalid=${error("name") || error("label") ? "true" : undefined} aria-describedby=${error("name") ? `${id}-name-error` : undefined} /></div>
      <span class="select"><label class="vh" for=${`${id}-type`}>${t("design.type_of", { name })}</label>
        <select class="input" id=${`${id}-type`} value=${draft.type} onChange=${retype}>
          ${TYPES.map((type) => html`<option key=${type} value=${type} selected=${type === draft.type}>${t(`type.${type}`)}</option>`)}
        </select><${Icon} name="down" /></span>
      <div class="check-row"><input class="check" type="checkbox" id=${`${id}-required`} checked=${draft.required} onChange=${(/** @type {any} */ event) => set({ required: event.target.checked })} />
        <label for=${`${id}-required`}>${t("design.required")}</label></div>
      <div class="row field-deeds">
        <button class="btn only quiet dense" type="button" aria-expanded=${shown} aria-controls=${`${id}-more`} onClick=${() => setOpen(!open)}
          aria-label=${t("design.more_of", { name })} title=${t("design.more")}><${Icon} name="settings" /></button>
        <button class="btn only quiet dense" type="button" disabled=${at === 0} onClick=${() => move(-1)} aria-label=${t("design.up", { name })} title=${t("design.up_help")}><${Icon} name="arrow-up" /></button>
        <button class="btn only quiet dense" type="button" disabled=${at === count - 1} onClick=${() => move(1)} aria-label=${t("design.down", { name })} title=${t("design.down_help")}><${Icon} name="arrow-down" /></button>
        <button class="btn only quiet dense danger" type="button" disabled=${count === 1} onClick=${drop} aria-label=${t("design.remove", { name })} title=${t("design.remove", { name })}><${Icon} name="trash" /></button>
      </div>
    </div>
    <p class="tiny muted about"><code>${draft.name || "…"}</code>${draft.was && draft.was !== draft.name && html` · ${t("design.was", { name: draft.was })}`}${draft.column !== null && html` · ${t("design.column", { name: draft.column })}${draft.examples.length > 0 && `: ${draft.examples.join(", ")}`}`}</p>
    ${error("name") && html`<div class="field"><${FieldError} id=${`${id}-name-error`} text=${error("name")} /></div>`}
    ${error("type") && html`<div class="field"><${FieldError} text=${error("type")} /></div>`}
    ${shown && html`<${More} id=${id} draft=${draft} owned=${owned} set=${set} error=${error} />`}
  </li>`;
}

/** @param {{id: string, draft: FieldDraft, owned: boolean, set: (changes: Partial<FieldDraft>) => void, error: (part: string) => string|undefined}} props */
function More({ id, draft, owned, set, error }) {
  const can = optionsOf(draft.type);
  const input = (/** @type {keyof FieldDraft} */ part, extra = "") => html`<input class=${`input ${extra}`} id=${`${id}-${part}`} value=${draft[part]}
    aria-invalid=${error(part) ? "true" : undefined} aria-describedby=${describedBy(`${id}-${part}`, false, error(part))}
    onInput=${(/** @type {any} */ event) => set({ [part]: event.target.value })} />`;
  const check = (/** @type {"indexed"|"searchable"} */ part) => html`<div class="check-row">
    <input class="check" type="checkbox" id=${`${id}-${part}`} checked=${draft[part]} onChange=${(/** @type {any} */ event) => set({ [part]: event.target.checked })} />
    <label for=${`${id}-${part}`}>${t(`design.${part}`)}</label></div>`;
  const rename = (/** @type {any} */ event) => set({ name: event.target.value, named: true });
  const type = typeOf(asField(draft));
  return html`<div class="more-options" id=${`${id}-more`}>
    ${can.choices && html`<${Labelled} id=${`${id}-choices`} label=${t("design.choices")} help=${t("field.lines")} error=${error("choices")}>
      <textarea class="input" id=${`${id}-choices`} rows="4" value=${draft.choices} aria-invalid=${error("choices") ? "true" : undefined}
        onInput=${(/** @type {any} */ event) => set({ choices: event.target.value })}></textarea><//>`}
    ${can.relation && html`<div class="pair">
      <${Labelled} id=${`${id}-references`} label=${t("design.references")} error=${error("references")}><${Select} id=${`${id}-references`} value=${draft.references} onChange=${(/** @type {any} */ event) => set({ references: event.target.value })}>
          <option value="" selected=${!draft.references}></option>
          ${(models.value || []).filter((model) => model.group !== "system" || model.name === "users").map((model) => html`<option key=${model.name} value=${model.name} selected=${model.name === draft.references}>${model.label_plural}</option>`)}
        <//><//>
      <${Labelled} id=${`${id}-on_delete`} label=${t("design.on_delete")} error=${error("on_delete")}><${Select} id=${`${id}-on_delete`} value=${draft.on_delete} onChange=${(/** @type {any} */ event) => set({ on_delete: event.target.value })}>
          ${["restrict", "set_null", "cascade"].map((one) => html`<option key=${one} value=${one} selected=${one === draft.on_delete} disabled=${one === "set_null" && draft.required}>${t(`design.on_delete_${one}`)}</option>`)}
        <//><//>
    </div>`}
    <div class="pair">
      <${Labelled} id=${`${id}-name`} label=${t("design.name_in_api")} error=${undefined}>
        <input class="input mono" id=${`${id}-name`} value=${draft.name} autocapitalize="none" spellcheck="false" onInput=${rename} /><//>
      <${Labelled} id=${`${id}-help`} label=${t("design.help")} error=${error("help")}>${input("help")}<//>
    </div>
    ${can.file && html`<div class="pair">
      <${Labelled} id=${`${id}-accept`} label=${t("design.accept")} help=${t("design.accept_help")} error=${error("accept")}>${input("accept")}<//>
      <${Labelled} id=${`${id}-megabytes`} label=${t("design.megabytes")} error=${error("megabytes") || error("max_bytes")}>${input("megabytes", "num")}<//>
    </div>`}
    ${can.range && html`<div class="pair">
      <${Labelled} id=${`${id}-minimum`} label=${t("design.minimum")} error=${error("minimum")}>${input("minimum", "num")}<//>
      <${Labelled} id=${`${id}-maximum`} label=${t("design.maximum")} error=${error("maximum")}>${input("maximum", "num")}<//>
    </div>`}
    <div class="pair">
      ${can.preset && html`<${Labelled} id=${`${id}-default`} label=${t("design.default")} error=${error("default")}>
        ${draft.type === "boolean" || draft.type === "choice"
          ? html`<${Select} id=${`${id}-default`} value=${draft.defaultDraft} onChange=${(/** @type {any} */ event) => set({ defaultDraft: event.target.value })}>
              <option value="" selected=${draft.defaultDraft === ""}>${t("design.no_default")}</option>
              ${(draft.type === "boolean" ? ["true", "false"] : draft.choices.split("\n").map((line) => line.trim()).filter(Boolean)).map((one) => html`<option key=${one} value=${one} selected=${draft.defaultDraft === one}>${draft.type === "boolean" ? t(one === "true" ? "value.yes" : "value.no") : one}</option>`)}
            <//>`
          : html`<${type.Input} key=${draft.type} id=${`${id}-default`} field=${asField(draft)} draft=${draft.defaultDraft} set=${(/** @type {any} */ value) => set({ defaultDraft: value })}
              isNew=${true} changed=${false} invalid=${Boolean(error("default"))} />`}
      <//>`}
      ${can.length && html`<${Labelled} id=${`${id}-max_length`} label=${t("design.max_length")} error=${error("max_length")}>${input("max_length", "num")}<//>`}
    </div>
    <div class="row wrap wide">
      ${can.keyed && check("indexed")}
      ${can.searchable && check("searchable")}
      ${can.keyed && html`<div class="row"><label class="small" for=${`${id}-unique`}>${t("design.unique")}</label><${Select} dense id=${`${id}-unique`} value=${draft.unique} onChange=${(/** @type {any} */ event) => set({ unique: event.target.value })}>
          ${["", ...(owned ? ["owner"] : []), "global"].map((one) => html`<option key=${one} value=${one} selected=${one === draft.unique}>${t(`design.unique_${one || "no"}`)}</option>`)}
        <//></div>`}
    </div>
  </div>`;
}
