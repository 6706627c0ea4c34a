// Installing a plugin: a zip is looked at first; only what was looked at is put in place.
import { api } from "../api.js";
import { formatBytes, t } from "../i18n.js";
import { loadModels } from "../models.js";
import { upload } from "../upload.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { DropZone } from "../widgets/drop_zone.js";
import { Icon } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { Trouble } from "../widgets/trouble.js";
import { Asked } from "./plugins_permissions.js";

const PATH = "/api/v1/plugins/install";

/** @param {{close: () => void, done: () => void}} props */
export function InstallDialog({ close, done }) {
  const [file, setFile] = useState(/** @type {File|null} */ (null));
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);
  const send = async (/** @type {File} */ body, /** @type {Record<string, string>} */ how) => {
    setBusy(true);
    setError(null);
    try {
      const query = new URLSearchParams({ name: body.name.replace(/\.zip$/i, ""), ...how });
      return await upload(PATH, query, body.type ? body : new File([body], body.name, { type: "application/zip" }), { signal: left.current.signal });
    } catch (problem) {
      if (!left.current.signal.aborted) setError(problem);
      return null;
    } finally {
      setBusy(false);
    }
  };
  const look = async (/** @type {File} */ chosen) => {
    if (busy) return;
    setFile(chosen);
    setFound(await send(chosen, { dry_run: "true" }));
  };
  const install = async (/** @type {boolean} */ enable) => {
    const name = found.manifest.display_name || found.manifest.name;
    const put = await send(/** @type {File} */ (file), { content_hash: found.content_hash, ...(found.installed ? { replace: "true" } : {}) });
    if (!put) return;
    try {
      if (enable) await api.post(`/api/v1/plugins/${found.name}/enable`, { permissions: found.permissions.map((/** @type {any} */ one) => one.name) });
      say(t(enable ? "plugins.did_enable" : "plugins.did_install", { name }));
      loadModels();
      close();
    } catch (problem) {
      setError(problem);
    }
    done();
  };
  return html`<${Dialog} label="install-title" onClose=${close}>
    <h2 id="install-title">${t("plugins.install")}</h2>
    ${!found && html`<${DropZone} id="plugin-zip" words=${t("plugins.drop")} accept=".zip,application/zip" onFile=${look} />`}
    ${busy && !found && html`<p class="small muted" role="status">${t("plugins.looking")}</p>`}
    ${error && html`<${Trouble} error=${error} what=${t("plugins.install_error")} retry=${file && !found && !error.status && error.code !== "changed" ? () => look(file) : undefined} />`}
    ${found && html`<div class="stack">
      <p><b>${found.manifest.display_name || found.manifest.name}</b> <span class="muted">${found.manifest.version}, ${t("plugins.files", { n: found.files })}, ${formatBytes(found.bytes)}</span></p>
      ${found.manifest.description && html`<p class="small soft">${found.manifest.description}</p>`}
      ${found.installed && html`<div class="note info"><${Icon} name="info" /><span>${t("plugins.replaces", { version: found.installed.version || "–" })}</span></div>`}
      <${Asked} permissions=${found.permissions} fresh=${found.installed ? found.new_permissions : []} warnings=${found.warnings} hash=${found.content_hash} />
    </div>`}
    <footer>
      <${Cancel} />
      ${found && html`<button class="btn" type="button" disabled=${busy} onClick=${() => install(false)}>${t(found.installed ? "plugins.replace" : "plugins.install_only")}</button>
        <button class="btn primary" type="button" disabled=${busy} onClick=${() => install(true)}>${t(found.installed ? "plugins.replace_on" : "plugins.install_on")}</button>`}
    </footer>
  <//>`;
}
