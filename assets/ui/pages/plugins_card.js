// One plugin: switched on after its permissions were shown, switched off, started again, removed.
import { api } from "../api.js";
import { loadModels } from "../models.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { lookAgain, modelNamed } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon, State } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { Trouble, sentence } from "../widgets/trouble.js";
import { Typed } from "../widgets/typed.js";
import { useLoad } from "../widgets/load.js";
import { Asked } from "./plugins_permissions.js";
import { SettingsDialog } from "./plugins_settings.js";

/** @type {Record<string, "ok"|"off"|"bad"|"warn">} */
const SHAPES = { on: "ok", off: "off", failed: "bad", missing: "warn" };

/** The command that the error of a plugin without its libraries names. */
const LACKS_LIBRARIES = /gridbear plugin libraries/;

/** @param {{plugin: any, reload: () => void}} props */
export function PluginCard({ plugin, reload }) {
  const [busy, setBusy] = useState(false);
  const [asking, ask] = useState(/** @type {""|"enable"|"uninstall"|"settings"} */ (""));
  const title = plugin.title || plugin.name;
  const deed = async (/** @type {string} */ name, /** @type {any} */ body, /** @type {string} */ done) => {
    setBusy(true);
    try {
      const { data } = await api.post(`/api/v1/plugins/${plugin.name}/${name}`, body);
      if (data.state === "failed") say(t("plugins.did_fail", { name: title }), "bad");
      else say(t(done, { name: title }));
      // Its models come and go with it.
      loadModels();
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
    ask("");
    reload();
  };
  /** Without its data a plugin comes back as it was, switched on if it was. @param {boolean} drop */
  const remove = async (drop) => {
    setBusy(true);
    try {
      await api.post(`/api/v1/plugins/${plugin.name}/uninstall`, { drop_data: drop });
      say(t("plugins.did_remove", { name: title }), "ok", drop ? undefined : { label: t("undo.do"), run: back });
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
    ask("");
    lookAgain();
  };
  const back = async () => {
    try {
      const { data } = await api.post(`/api/v1/plugins/${plugin.name}/restore`);
      // What was said yes to before is not asked about again.
      if (plugin.enabled && !data.new_permissions.length) await api.post(`/api/v1/plugins/${plugin.name}/enable`, { permissions: data.permissions.map((/** @type {any} */ one) => one.name) });
      say(t("plugins.did_restore", { name: title }), "ok", { label: t("undo.do"), run: () => remove(false) });
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    loadModels();
    lookAgain();
  };
  const toggle = (/** @type {any} */ event) => {
    // The switch shows what is so, not what was asked for.
    event.target.checked = plugin.enabled;
    if (plugin.enabled) deed("disable", undefined, "plugins.did_disable");
    else ask("enable");
  };
  const broken = plugin.state === "failed" || plugin.state === "missing";
  const models = (plugin.models || []).filter((/** @type {string} */ name) => modelNamed(name));
  return html`<article class=${`plugin ${broken ? "broken" : plugin.state}`} aria-labelledby=${`plugin-${plugin.name}`}>
    <header>
      <span class="tile"><${Icon} name="plugins" /></span>
      <div class="grow min0"><h2 class="clip" id=${`plugin-${plugin.name}`}>${title}</h2>
        <p class="tiny muted">${plugin.version || "–"}, ${t(plugin.bundled ? "plugins.bundled" : "plugins.own")} <code>${plugin.name}</code></p></div>
      ${plugin.state !== "missing" && html`<input class="switch" type="checkbox" role="switch" aria-label=${t("plugins.switch", { name: title })} checked=${plugin.enabled} disabled=${busy} onChange=${toggle} />`}
    </header>
    ${plugin.description && html`<p>${plugin.description}</p>`}
    ${plugin.error && html`<div class="note bad"><${Icon} name="alert" /><span>${plugin.error}</span></div>`}
    ${plugin.enabled && LACKS_LIBRARIES.test(plugin.error || "") && html`<div><button class="btn" type="button" disabled=${busy} onClick=${() => deed("libraries", {}, "plugins.did_libraries")}><${Icon} name="download" />${t("plugins.libraries")}</button></div>`}
    ${plugin.traceback && html`<details class="folded"><summary><${Icon} name="right" size=${14} extra="turn" /><b>${t("plugins.traceback")}</b>${plugin.failures > 0 && html`<span class="muted">${t("plugins.failures", { n: plugin.failures })}</span>`}</summary>
      <pre class="code flush" tabindex="0" role="region" aria-label=${t("plugins.traceback_of", { name: title })}>${plugin.traceback}</pre></details>`}
    ${(plugin.permissions?.length > 0 || models.length > 0) && html`<div class="perms">
      ${(plugin.permissions || []).map((/** @type {string} */ one) => html`<span class="tag" key=${one}>${one}</span>`)}
      ${models.map((/** @type {string} */ one) => html`<a class="tag" key=${one} href=${href(`/data/${one}`)}><${Icon} name="data" size=${14} />${modelNamed(one)?.label_plural}</a>`)}
    </div>`}
    <footer>
      ${plugin.state !== "missing" && html`<button class="btn dense" type="button" disabled=${busy} onClick=${() => ask("settings")}><${Icon} name="settings" />${t("plugins.settings")}</button>`}
      ${plugin.enabled && plugin.state !== "missing" && html`<button class="btn dense" type="button" disabled=${busy} onClick=${() => deed("reload", undefined, "plugins.did_reload")}><${Icon} name="refresh" />${t("plugins.reload")}</button>`}
      ${!plugin.bundled && html`<button class="btn quiet dense" type="button" disabled=${busy} onClick=${() => ask("uninstall")}><${Icon} name="trash" />${t("plugins.remove")}</button>`}
      <span class="grow"></span>
      <${State} kind=${SHAPES[plugin.state] || "off"}>${t(`plugins.state_${plugin.state}`)}<//>
    </footer>
    ${asking === "enable" && html`<${EnableDialog} plugin=${plugin} busy=${busy} close=${() => ask("")} enable=${(/** @type {string[]} */ permissions) => deed("enable", { permissions }, "plugins.did_enable")} />`}
    ${asking === "settings" && html`<${SettingsDialog} plugin=${plugin} close=${() => ask("")} done=${reload} />`}
    ${asking === "uninstall" && html`<${Uninstall} plugin=${plugin} close=${() => ask("")} act=${(/** @type {boolean} */ drop) => remove(drop)} />`}
  </article>`;
}

/** @param {{plugin: any, busy: boolean, close: () => void, enable: (permissions: string[]) => void}} props */
function EnableDialog({ plugin, busy, close, enable }) {
  const { data, error } = useLoad(async (signal) => (await api.get(`/api/v1/plugins/${plugin.name}/manifest`, { signal })).data, [plugin.name]);
  return html`<${Dialog} label="enable-title" onClose=${close}>
    <h2 id="enable-title">${t("plugins.enable_ask", { name: plugin.title || plugin.name })}</h2>
    ${error && html`<${Trouble} error=${error} what=${t("plugins.error")} />`}
    ${data && (data.manifest ? html`<${Asked} permissions=${data.permissions} warnings=${data.warnings} hash=${data.content_hash} />` : html`<div class="note bad"><${Icon} name="alert" /><span>${data.error}</span></div>`)}
    <footer>
      <${Cancel} />
      <button class="btn primary" type="button" disabled=${busy || !data?.manifest} onClick=${() => enable(data.permissions.map((/** @type {any} */ one) => one.name))}>${t("plugins.enable")}</button>
    </footer>
  <//>`;
}

/** @param {{plugin: any, close: () => void, act: (drop: boolean) => void}} props */
function Uninstall({ plugin, close, act }) {
  const [drop, setDrop] = useState(false);
  return html`<${Typed} heading=${t("plugins.remove_ask", { name: plugin.title || plugin.name })} name=${drop ? plugin.name : ""} verb=${t("plugins.remove")} stay=${t("plugins.keep")} cancel=${close} act=${() => act(drop)}>
    <p>${t("plugins.remove_words")}</p>
    <div class="check-row"><input class="check" type="checkbox" id="drop-data" checked=${drop} onChange=${(/** @type {any} */ event) => setDrop(event.target.checked)} /><label for="drop-data">${t("plugins.drop_data")}</label></div>
  <//>`;
}
