// Definitions of models out of a file: chosen, looked at, taken over. Records are no part of it.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { loadModels } from "../models.js";
import { go, href } from "../router.js";
import { base } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { DropZone } from "../widgets/drop_zone.js";
import { Icon } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { useTrail } from "../widgets/trail.js";
import { Trouble } from "../widgets/trouble.js";
import { Typed } from "../widgets/typed.js";
import { MAP } from "./data_query.js";

export const DEFINITIONS = "/api/v1/server/model-definitions";

/**
 * @typedef {{model: string, label: string, action: "create"|"change"|"none", parts: string[], fields: {name: string, change: string, parts: string[]}[],
 *   losses: {field: string, change: string, records: number}[]}} Step
 */

export function ModelsImport() {
  useTrail(t("defs.title"), true);
  const [source, setSource] = useState(/** @type {{name: string, given: any, steps: Step[]}|null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [unreadable, setUnreadable] = useState("");
  const [asking, ask] = useState(false);
  const [busy, setBusy] = useState(false);
  const forget = () => {
    setSource(null);
    setProblem(null);
    setUnreadable("");
  };
  const look = async (/** @type {File} */ file) => {
    forget();
    let given;
    try {
      given = JSON.parse(await file.text());
    } catch (/** @type {any} */ error) {
      return setUnreadable(t("defs.no_json", { name: file.name, reason: error.message }));
    }
    try {
      setSource({ name: file.name, given, steps: (await api.post(DEFINITIONS, given, { query: "dry_run=true" })).data });
    } catch (error) {
      setProblem(error);
    }
  };
  const take = async (/** @type {boolean} */ confirmed) => {
    ask(false);
    setBusy(true);
    try {
      const { data } = await api.post(DEFINITIONS, source?.given, confirmed ? { query: "confirm=true" } : {});
      await loadModels();
      say(t("defs.done", { n: data.filter((/** @type {Step} */ step) => step.action !== "none").length }));
      go(href(`/data/${MAP}`));
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const steps = source?.steps || [];
  const work = steps.filter((step) => step.action !== "none").length;
  const losses = steps.flatMap((step) => step.losses.map((loss) => ({ ...loss, model: step.model })));
  return html`<div class="area">
    <header class="page-head part">
      <a class="btn quiet only" href=${href(`/data/${MAP}`)} aria-label=${t("map.title")} title=${t("map.title")}><${Icon} name="left" /></a>
      <div class="say"><h1>${t("defs.title")}</h1><p>${t("defs.words")}</p></div>
    </header>
    <div class="scroll"><div class="column narrow">
      ${source ? html`<section class="card" aria-labelledby="defs-plan">
          <header><h2 id="defs-plan" class="clip">${source.name}</h2><span class="grow">${t("defs.count", { n: steps.length })}</span>
            <button class="btn quiet dense" type="button" onClick=${forget}>${t("defs.other")}</button></header>
          <ul class="plain-list">${steps.map((step) => html`<${StepRow} key=${step.model} step=${step} />`)}</ul>
        </section>` : html`<${DropZone} id="defs-file" words=${t("defs.drop")} accept=".json,application/json" onFile=${look} />`}
      ${unreadable && html`<p class="note bad" role="alert"><${Icon} name="alert" /><span>${unreadable}</span></p>`}
      ${problem && html`<${Refusal} problem=${problem} />`}
      ${source && html`<footer class="row wrap do">
        <button class="btn primary" type="button" disabled=${busy || !work} onClick=${() => (losses.length ? ask(true) : take(false))}><${Icon} name="check" />${t("defs.do", { n: work })}</button>
        ${!work && html`<p class="small soft" role="status">${t("defs.nothing")}</p>`}
      </footer>`}
      ${!source && html`<details class="more"><summary>${t("empty.or")}</summary>
        <${Copyable} text=${`curl -H "Authorization: Bearer $GRIDBEAR_TOKEN" --data-binary @gridbear-models.json "${location.origin}${base}${DEFINITIONS}?dry_run=true"`} /></details>`}
    </div></div>
    ${asking && html`<${Typed} heading=${t("design.loss_ask")} name=${losses[0].model} verb=${t("design.loss_do")} stay=${t("design.loss_stay")} cancel=${() => ask(false)} act=${() => take(true)}>
      <p>${t("design.loss_words")}</p>
      <ul class="small">${losses.map((loss) => html`<li key=${`${loss.model}.${loss.field}`}>${lossOf(loss, loss.model)}</li>`)}</ul>
    <//>`}
  </div>`;
}

/** @param {Step["losses"][0]} loss @param {string} model */
const lossOf = (loss, model) => t("defs.loss", { field: `${model}.${loss.field}`, change: loss.change, n: loss.records });

/** @param {{step: Step}} props */
function StepRow({ step }) {
  const kind = { create: "good", change: "warn", none: "" }[step.action];
  return html`<li class="defs-step">
    <p class="row"><span class="strong">${step.label}</span><code class="small">${step.model}</code><span class=${`tag ${kind}`}>${t(`defs.${step.action}`)}</span></p>
    ${step.parts.length > 0 && html`<p class="small soft">${t("defs.parts", { parts: step.parts.join(", ") })}</p>`}
    ${step.fields.map((field) => html`<p class="small soft" key=${field.name}>${t(`defs.field_${field.change}`, { name: field.name, parts: field.parts.join(", ") })}</p>`)}
    ${step.losses.map((loss) => html`<p class="small bad-ink" key=${loss.field}><${Icon} name="alert" size=${14} /> ${lossOf(loss, step.model)}</p>`)}
  </li>`;
}

/** What is wrong with the file, by its places. @param {{problem: any}} props */
function Refusal({ problem }) {
  const places = Object.entries(problem.fields || {});
  if (!places.length) return html`<${Trouble} error=${problem} what=${t("defs.failed")} />`;
  return html`<div class="stack" role="alert">
    <p class="note bad"><${Icon} name="alert" /><span>${t("defs.refused", { n: places.length })}</span></p>
    <ul class="places">${places.map(([place, told]) => html`<li key=${place}><code>${place}</code><span>${/** @type {any} */ (told).message}</span></li>`)}</ul>
  </div>`;
}
