// What an import would make: each server with its command, what goes into the vault, and why one can't be taken.
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Labelled } from "../widgets/labelled.js";
import { own } from "../widgets/words.js";

/** @param {{servers: any[], busy: boolean, back: () => void, run: (names: Record<string, string>, values: Record<string, string>) => void}} props */
export function Found({ servers, busy, back, run }) {
  const [names, setNames] = useState(/** @type {Record<string, string>} */ (Object.fromEntries(servers.filter((one) => one.status === "ready").map((one) => [one.key, one.name]))));
  const [values, setValues] = useState(/** @type {Record<string, string>} */ ({}));
  const chosen = Object.keys(names);
  const choose = (/** @type {any} */ one) => setNames(({ [one.key]: _chosen, ...others }) => (Object.hasOwn(names, one.key) ? others : { ...others, [one.key]: one.name }));
  const needs = new Map(servers.filter((one) => Object.hasOwn(names, one.key)).flatMap((one) => one.needs.map((/** @type {any} */ need) => [need.key, need])));
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    run(names, Object.fromEntries(Object.entries(values).filter(([key, value]) => needs.has(key) && value !== "")));
  };
  return html`<form class="form" onSubmit=${submit}>
    <ul class="card found">${servers.map((one, at) => html`<li key=${one.key}>
      <input class="check" type="checkbox" id=${`found-${at}`} disabled=${one.status !== "ready"} checked=${Object.hasOwn(names, one.key)} onChange=${() => choose(one)} />
      <div class="grow min0 stack tight">
        <p class="row wrap"><label for=${`found-${at}`}><b>${one.key}</b></label>${one.renamed && one.status === "ready" && html`<span class="small muted">${t("add.becomes", { name: one.name })}</span>`}
          ${one.status !== "ready" && html`<span class=${`tag ${one.status === "invalid" ? "bad" : ""}`}>${t(`add.status_${one.status}`, { name: one.same_as })}</span>`}
          ${one.unpinned && html`<span class="tag warn">${t("add.unpinned")}</span>`}</p>
        <code class="small soft wrap">${one.url || [one.command, ...one.args].join(" ")}</code>
        ${one.secrets.length > 0 && html`<p class="small soft"><${Icon} name="lock" size=${14} /> ${t("add.into_vault", { names: one.secrets.map((/** @type {any} */ secret) => secret.variable).join(", ") })}</p>`}
        ${one.problem && html`<p class="small bad-ink">${one.problem}</p>`}
        ${one.notes.map((/** @type {string} */ note) => html`<p class="small soft" key=${note}>${note}</p>`)}
      </div>
    </li>`)}</ul>
    ${!servers.length && html`<p class="note"><span>${t("add.nothing")}</span></p>`}
    ${[...needs.values()].map((need) => html`<${Labelled} key=${need.key} id=${`need-${need.key}`} label=${need.description || need.key} type=${t("add.value")}>
      <input class="input mono" id=${`need-${need.key}`} type="password" autocomplete="off" value=${own(values, need.key) || ""} onInput=${(/** @type {any} */ event) => setValues((now) => ({ ...now, [need.key]: event.target.value }))} /><//>`)}
    <p class="small soft">${t("add.nothing_starts")}</p>
    <div class="row"><button class="btn" type="button" onClick=${back}>${t("add.back")}</button>
      <button class="btn primary" type="submit" disabled=${busy || !chosen.length}>${t("add.import", { n: chosen.length })}</button></div>
  </form>`;
}
