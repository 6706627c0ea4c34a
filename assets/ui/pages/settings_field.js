// One setting: what it is for, its value to change where it may be changed, where that comes from, and the way back.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { modelNamed } from "../store.js";
import { sayChanged, sayWithUndo } from "../undo.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, withCode } from "../widgets/labelled.js";
import { Select } from "../widgets/select.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";
import { UNITS, asTyped, drafts, fromTyped, shown, unitOf } from "./settings_value.js";

/** @typedef {import("./settings.js").Setting} Setting */

/** Values that are texts, but of which a few serve most people. @type {Record<string, [string, string][]>} value and key of its words */
const USUAL = {
  backup_schedule: [["daily 03:00", "settings.daily"], ["every 6 hours", "settings.six_hours"], ["every 12 hours", "settings.twelve_hours"], ["off", "settings.never"]],
};

/** @param {{setting: Setting, reload: () => void}} props */
export function SettingField({ setting, reload }) {
  const id = `setting-${setting.name}`;
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const label = t(`setting.${setting.name}`);
  const store = async (/** @type {any} */ value) => {
    setBusy(true);
    setError("");
    try {
      const { data } = await api.post("/api/v1/settings", { name: setting.name, value }, { query: "upsert=name" });
      drafts.delete(setting.name);
      const model = modelNamed("settings");
      const words = t(setting.applies === "live" ? "settings.saved" : "settings.saved_later", { name: label });
      if (model) sayChanged(model, data, words);
    } catch (/** @type {any} */ refused) {
      setError((refused.fields?.value?.message || sentence(refused)).replace(`${setting.name}: `, ""));
    }
    setBusy(false);
    reload();
  };
  const reset = async () => {
    setBusy(true);
    setError("");
    try {
      const { data } = await api.delete("/api/v1/settings/bulk", { query: `id=${setting.record_id}` });
      drafts.delete(setting.name);
      sayWithUndo(t("settings.was_reset", { name: label }), data.undo);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
    reload();
  };
  return html`<div class="setting" data-setting=${setting.name}>
    <div class="min0"><label for=${id}>${label}</label>
      <p class="help" id=${`${id}-help`}>${withCode(setting.help)}</p>
      <p class="tiny muted setting-name"><code>${setting.name}</code>${setting.waits
        ? html`<span class="tag warn">${t("settings.waits")}</span>`
        : setting.changeable && html`<span>${t(setting.applies === "live" ? "settings.live" : "settings.restart")}</span>`}</p>
    </div>
    <div class="field">
      ${setting.changeable ? html`<${Control} key=${JSON.stringify(setting.wanted)} id=${id} setting=${setting} store=${store} busy=${busy} error=${error} setError=${setError} />` : html`<${Fixed} id=${id} setting=${setting} />`}
      ${error && html`<${FieldError} id=${`${id}-error`} text=${error} />`}
      <${Origin} setting=${setting} label=${label} reset=${reset} busy=${busy} />
    </div>
  </div>`;
}

/** @param {{setting: Setting, label: string, reset: () => void, busy: boolean}} props */
function Origin({ setting, label, reset, busy }) {
  const sources = ["default", "settings", "environment", "command line"];
  const standard = setting.secret || setting.default === null ? "" : t("settings.default_is", { value: shown(setting, setting.default) });
  return html`<p class="tiny muted setting-origin">
    <span>${t(`settings.from_${sources.indexOf(setting.source)}`, { name: setting.environment })}${setting.source !== "default" && standard && ` ${standard}`}${!setting.changeable && ` ${elsewhere(setting)}`}</span>
    ${setting.changeable && setting.record_id !== null && html`<button class="btn quiet dense" type="button" disabled=${busy} onClick=${reset} aria-label=${t("settings.reset_of", { name: label })}>${t("settings.reset")}</button>`}
  </p>`;
}

/** How to change what is decided elsewhere. @param {Setting} setting */
function elsewhere(setting) {
  if (setting.name === "data_dir") return t("settings.elsewhere_folder", { name: setting.environment });
  return t(setting.source === "settings" ? "settings.elsewhere_sharing" : "settings.elsewhere", { name: setting.environment });
}

/** What is decided elsewhere is shown and told how to change it. @param {{id: string, setting: Setting}} props */
function Fixed({ id, setting }) {
  const text = setting.secret ? t("settings.secret") : shown(setting, setting.value);
  return html`<input class="input mono" id=${id} readonly value=${text} aria-describedby=${`${id}-help`} />`;
}

/** @param {{id: string, setting: Setting, store: (value: any) => void, busy: boolean, error: string, setError: (error: string) => void}} props */
function Control({ id, setting, store, busy, error, setError }) {
  const before = asTyped(setting);
  const [typed, setTyped] = useState(drafts.get(setting.name) || before);
  const marks = { id, disabled: busy, "aria-describedby": [`${id}-help`, error && `${id}-error`].filter(Boolean).join(" "), "aria-invalid": error ? "true" : undefined };
  if (setting.kind === "boolean") {
    return html`<span class="row"><input class="switch" type="checkbox" role="switch" ...${marks} checked=${Boolean(setting.wanted)} onChange=${(/** @type {any} */ event) => store(event.target.checked)} />
      <span class="small" aria-hidden="true">${t(setting.wanted ? "settings.on" : "settings.off")}</span></span>`;
  }
  const usual = USUAL[setting.name];
  if (setting.kind === "choice" || usual) {
    const choices = usual ? [...usual.map(([value, key]) => [value, t(key)]), ...(usual.some(([value]) => value === setting.wanted) ? [] : [[setting.wanted, setting.wanted]])] : setting.choices.map((one) => [one, one]);
    return html`<${Select} ...${marks} value=${setting.wanted} onChange=${(/** @type {any} */ event) => store(event.target.value)}>
      ${choices.map(([value, words]) => html`<option key=${value} value=${value} selected=${value === setting.wanted}>${words}</option>`)}
    <//>`;
  }
  const differs = (/** @type {{text: string, unit: string}} */ one) => one.text.trim() !== before.text || one.unit !== before.unit;
  const change = (/** @type {{text?: string, unit?: string}} */ next) => {
    const now = { ...typed, ...next };
    setTyped(now);
    if (differs(now)) drafts.set(setting.name, now);
    else drafts.delete(setting.name);
  };
  const back = () => {
    setTyped(before);
    drafts.delete(setting.name);
    setError("");
  };
  const changed = differs(typed);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!changed) return;
    const { value, error: wrong } = fromTyped(setting, typed);
    if (wrong) setError(wrong);
    else store(value);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && changed && back();
  const number = setting.kind !== "text";
  const unit = unitOf(setting);
  return html`<form class="setting-form" onSubmit=${submit} onKeyDown=${onKey} noValidate>
    <span class="row">
      ${unit
        ? html`<span class=${`input ${changed ? "changed" : ""}`}><input class="num" ...${marks} inputmode="decimal" value=${typed.text} onInput=${(/** @type {any} */ event) => change({ text: event.target.value })} /><span class="unit">${unit}</span></span>`
        : html`<input class=${`input ${number ? "num" : "mono"} ${changed ? "changed" : ""}`} ...${marks} inputmode=${number ? "decimal" : undefined} spellcheck="false" autocapitalize="none" autocomplete="off" value=${typed.text} onInput=${(/** @type {any} */ event) => change({ text: event.target.value })} />`}
      ${setting.unit === "B" && html`<span class="select setting-unit"><select class="input" aria-label=${t("settings.size_unit", { name: t(`setting.${setting.name}`) })} value=${typed.unit} onChange=${(/** @type {any} */ event) => change({ unit: event.target.value })}>
        ${UNITS.map((one) => html`<option key=${one} value=${one} selected=${one === typed.unit}>${one}</option>`)}</select><${Icon} name="down" /></span>`}
    </span>
    ${changed && html`<span class="row"><button class="btn primary dense" type="submit" disabled=${busy}>${t("settings.save")}</button>
      <button class="btn dense" type="button" onClick=${back}>${t("settings.back")}</button></span>`}
  </form>`;
}
