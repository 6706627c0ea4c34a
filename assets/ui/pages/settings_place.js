// Where the data lie, and moving them to another folder of this computer: looked at first, then moved, and the page waits.
import { api } from "../api.js";
import { formatBytes, formatNumber, t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { Labelled, describedBy } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { Trouble, Waiting, sentence } from "../widgets/trouble.js";
import { useRestart } from "./settings_restart.js";

const ADDRESS = "/api/v1/server/data-folder";

/** @typedef {{from: string, to: string, files: number, bytes: number, free_bytes: number, warnings: string[], moving: boolean}} Plan */

export function Place() {
  const place = useLoad(async (signal) => (await api.get(ADDRESS, { signal })).data, []);
  const [open, setOpen] = useState(false);
  const [moving, restart] = useRestart(() => {
    setOpen(false);
    place.reload();
  });
  const { data } = place;
  if (place.error && !data) return html`<${Trouble} error=${place.error} what=${t("place.error")} retry=${place.reload} />`;
  if (!data) return html`<section class="card"><${Waiting} page=${place} rows=${4} /></section>`;
  return html`<section class="card" aria-labelledby="place-title">
    <header><h2 id="place-title">${t("place.heading")}</h2><span class="grow"></span>
      ${!open && html`<button class="btn quiet dense" type="button" onClick=${() => setOpen(true)}>${t("place.move")}</button>`}</header>
    <div class="body pad stack">
      <p class="row"><code class="grow min0">${data.path}</code><${CopyButton} text=${data.path} label=${t("place.copy")} /></p>
      <p class="small soft">${t("place.facts", { size: formatBytes(data.bytes), free: formatBytes(data.free_bytes) })} ${data.portable && t("place.portable")}</p>
      ${data.last_problem && !moving && html`<div class="note bad" role="status"><${Icon} name="info" /><span>${t("place.failed", data.last_problem)} ${data.last_problem.problem}</span></div>`}
      ${moving && html`<div class="note" role="status"><${Icon} name="refresh" /><span>${t("place.moving")}</span></div>`}
      ${open && !moving && html`<${MoveForm} close=${() => setOpen(false)} begin=${restart} />`}
    </div>
  </section>`;
}

/** @param {{close: () => void, begin: (act: () => Promise<any>) => void}} props */
function MoveForm({ close, begin }) {
  const [to, setTo] = useState("");
  const [plan, setPlan] = useState(/** @type {null|Plan} */ (null));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const look = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      setPlan((await api.post(`${ADDRESS}/move`, { to: to.trim(), dry_run: true })).data);
    } catch (problem) {
      setPlan(null);
      setError(sentence(problem));
    }
    setBusy(false);
  };
  const type = (/** @type {any} */ event) => {
    setTo(event.target.value);
    setPlan(null);
    setError("");
  };
  return html`<form class="stack" onSubmit=${look} aria-label=${t("place.move")}>
    <${Labelled} id="place-to" label=${t("place.to")} help=${t("place.to_help")} error=${error}>
      <input class="input" id="place-to" value=${to} onInput=${type} required autocomplete="off" spellcheck="false" aria-invalid=${error ? "true" : undefined} aria-describedby=${describedBy("place-to", true, error)} />
    <//>
    ${plan && html`<div role="status"><p>${t("place.plan", { files: formatNumber(plan.files), size: formatBytes(plan.bytes), free: formatBytes(plan.free_bytes) })}</p>
      ${plan.warnings.map((one) => html`<div class="note warn" key=${one}><${Icon} name="info" /><span>${one}</span></div>`)}
      <p class="small soft">${t("place.words")}</p></div>`}
    <footer class="row">
      ${plan
        ? html`<button class="btn primary" type="button" onClick=${() => begin(() => api.post(`${ADDRESS}/move`, { to: plan.to }))}>${t("place.do")}</button>`
        : html`<button class="btn primary" type="submit" disabled=${busy || !to.trim()}>${t("place.look")}</button>`}
      <button class="btn" type="button" onClick=${close}>${t("do.cancel")}</button>
    </footer>
  </form>`;
}
