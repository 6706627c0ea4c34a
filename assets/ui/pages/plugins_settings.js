// The settings of a plugin, as its manifest describes them. Saving starts the plugin again.
import { api, request } from "../api.js";
import { t } from "../i18n.js";
import { html, useMemo, useState } from "../vendor/preact.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { FieldError } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { SchemaForm } from "../widgets/schema_form.js";
import { argumentsFrom, asText, fieldsOf } from "../widgets/schema_values.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble, sentence } from "../widgets/trouble.js";

/** @param {{plugin: any, close: () => void, done: () => void}} props */
export function SettingsDialog({ plugin, close, done }) {
  const path = `/api/v1/plugins/${plugin.name}/settings`;
  const { data, error, slow } = useLoad(async (signal) => (await api.get(path, { signal })).data, [path]);
  return html`<${Dialog} label="settings-title" onClose=${close}>
    <h2 id="settings-title">${t("plugins.settings_of", { name: plugin.title || plugin.name })}</h2>
    ${error && html`<${Trouble} error=${error} what=${t("plugins.error")} />`}
    ${!data && slow && html`<${Skeleton} rows=${3} />`}
    ${data ? html`<${Form} plugin=${plugin} path=${path} settings=${data} close=${close} done=${done} />` : html`<footer><${Cancel} /></footer>`}
  <//>`;
}

/** @param {{plugin: any, path: string, settings: any, close: () => void, done: () => void}} props */
function Form({ plugin, path, settings, close, done }) {
  // A secret that is kept is not wanted again: what stands there says only that it is set.
  const fields = useMemo(() => fieldsOf(settings.schema).map((field) => (field.kind === "secret" ? { ...field, nothing: settings.secrets[field.name]?.is_set } : field)), [settings]);
  const outside = [...settings.from_environment, ...Object.keys(settings.secrets).filter((name) => settings.secrets[name].from_environment)];
  const [texts, setTexts] = useState(() => /** @type {Record<string, string>} */ (Object.fromEntries(fields.map((field) => [field.name, field.kind === "secret" || settings.values[field.name] === null ? "" : asText(field, settings.values[field.name])]))));
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const own = fields.filter((field) => !outside.includes(field.name)).map((field) => (field.kind === "secret" && field.nothing ? { ...field, need: false } : field));
    const { values, errors: wrong } = argumentsFrom(own, texts);
    setErrors(wrong);
    setProblem("");
    if (Object.keys(wrong).length) return;
    setBusy(true);
    try {
      const { data } = await request("PUT", path, { body: values });
      say(t(data.state === "failed" ? "plugins.did_fail" : "plugins.settings_saved", { name: plugin.title || plugin.name }), data.state === "failed" ? "bad" : "ok");
      close();
      done();
    } catch (/** @type {any} */ refused) {
      const told = Object.entries(refused.fields || {}).map(([name, one]) => [name, /** @type {any} */ (one).message]);
      setErrors(Object.fromEntries(told));
      setProblem(told.some(([name]) => fields.some((field) => field.name === name)) ? "" : sentence(refused));
      setBusy(false);
    }
  };
  return html`<form class="form" onSubmit=${save} noValidate>
    ${!fields.length && html`<p class="small soft">${t("plugins.no_settings")}</p>`}
    <${SchemaForm} prefix="setting" fields=${fields} texts=${texts} errors=${errors} fixed=${outside} change=${(/** @type {string} */ name, /** @type {string} */ text) => setTexts((now) => ({ ...now, [name]: text }))} />
    ${outside.length > 0 && html`<div class="note info"><${Icon} name="info" /><span>${t("plugins.from_environment", { names: outside.join(", ") })}</span></div>`}
    ${problem && html`<div class="field"><${FieldError} text=${problem} /></div>`}
    <footer><${Cancel} />${fields.length > 0 && html`<button class="btn primary" type="submit" disabled=${busy}>${t("plugins.settings_save")}</button>`}</footer>
  </form>`;
}
