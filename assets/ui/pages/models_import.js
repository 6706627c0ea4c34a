// Definitions of models out of a file: read, looked at, chosen from, taken over. Records are no part of it.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { loadModels } from "../models.js";
import { go, href } from "../router.js";
import { html, useState } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { DropZone } from "../widgets/drop_zone.js";
import { useHere } from "../widgets/here.js";
import { Icon } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { useTrail } from "../widgets/trail.js";
import { Trouble } from "../widgets/trouble.js";
import { Typed } from "../widgets/typed.js";
import { MAP } from "./data_query.js";
import { DEFINITIONS, Gaps, gapsOf, toggled } from "./models_choice.js";
import { Refusal, StepRow, lossOf } from "./models_plan.js";

/** @typedef {import("./models_plan.js").Step} Step */
/** @typedef {{name: string, given: any}} Source a file by its name, and what is in it */

export function ModelsImport() {
  useTrail(t("defs.title"), true);
  const [source, setSource] = useState(/** @type {Source|null} */ (null));
  const [steps, setSteps] = useState(/** @type {Step[]|null} */ (null));
  const [left, leave] = useState(/** @type {Set<string>} */ (new Set()));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [unreadable, setUnreadable] = useState("");
  const [asking, ask] = useState(false);
  const [busy, setBusy] = useState(false);
  const here = useHere();
  const forget = () => {
    setSource(null);
    setSteps(null);
    leave(new Set());
    setProblem(null);
    setUnreadable("");
  };
  const plan = async (/** @type {Source} */ file) => {
    setSource(file);
    try {
      setSteps((await api.post(DEFINITIONS, file.given, { query: "dry_run=true" })).data);
    } catch (error) {
      setSteps(null);
      setProblem(error);
    }
  };
  const look = async (/** @type {File} */ file) => {
    forget();
    try {
      await plan({ name: file.name, given: JSON.parse(await file.text()) });
    } catch (/** @type {any} */ error) {
      setUnreadable(t("defs.no_json", { name: file.name, reason: error.message }));
    }
  };
  const without = (/** @type {Set<number>} */ places) => {
    const { name, given } = /** @type {Source} */ (source);
    setProblem(null);
    plan({ name, given: { ...given, models: given.models.filter((/** @type {any} */ _, /** @type {number} */ at) => !places.has(at)) } });
  };
  const wanted = (steps || []).filter((step) => step.action !== "none" && !left.has(step.model));
  const losses = wanted.flatMap((step) => step.losses.map((loss) => ({ ...loss, model: step.model })));
  const isWanted = (/** @type {string} */ name) => wanted.some((step) => step.model === name);
  const isAbsent = (/** @type {string} */ name) => left.has(name) && Boolean(steps?.some((step) => step.model === name && step.action === "create"));
  const gaps = steps ? gapsOf(source?.given.models, isWanted, isAbsent) : [];
  const take = async (/** @type {boolean} */ confirmed) => {
    const { name, given } = /** @type {Source} */ (source);
    ask(false);
    setBusy(true);
    setProblem(null);
    try {
      const chosen = { ...given, models: given.models.filter((/** @type {any} */ one) => isWanted(one.name)) };
      await api.post(DEFINITIONS, chosen, confirmed ? { query: "confirm=true" } : {});
      await loadModels();
      say(t("defs.done", { n: wanted.length }));
      if (here()) go(href(`/data/${MAP}`));
    } catch (error) {
      // Some of it may be done: what is left to do is looked at anew.
      await plan({ name, given });
      setProblem(error);
    }
    setBusy(false);
  };
  const declared = new Map((steps ? source?.given.models : []).map((/** @type {any} */ one) => [one.name, one]));
  return html`<div class="area">
    <header class="page-head part">
      <a class="btn quiet only" href=${href(`/data/${MAP}`)} aria-label=${t("map.title")} title=${t("map.title")}><${Icon} name="left" /></a>
      <div class="say"><h1>${t("defs.title")}</h1><p>${t("defs.words")}</p></div>
    </header>
    <div class="scroll"><div class="column narrow">
      ${source && steps ? html`<section class="card" aria-labelledby="defs-plan">
          <header><h2 id="defs-plan" class="clip">${source.name}</h2><span class="grow">${t("defs.count", { n: steps.length })}</span>
            <button class="btn quiet dense" type="button" onClick=${forget}>${t("defs.other")}</button></header>
          <ul class="plain-list">${steps.map((step) => html`<${StepRow} key=${step.model} step=${step} declared=${declared.get(step.model)} chosen=${!left.has(step.model)} toggle=${() => leave(toggled(left, step.model))} />`)}</ul>
        </section>` : html`<${DropZone} id="defs-file" words=${t("defs.drop")} accept=".json,application/json" onFile=${look} />`}
      ${unreadable && html`<p class="note bad" role="alert"><${Icon} name="alert" /><span>${unreadable}</span></p>`}
      ${problem && (steps ? html`<${Trouble} error=${problem} what=${t("defs.failed")} />` : html`<${Refusal} problem=${problem} source=${source} without=${without} />`)}
      <${Gaps} gaps=${gaps} models=${source?.given?.models || []} words=${t("defs.gaps")} verb=${t("defs.take_too")} add=${(/** @type {string[]} */ names) => leave(new Set([...left].filter((name) => !names.includes(name))))} />
      ${steps && html`<footer class="row wrap do">
        <button class="btn primary" type="button" disabled=${busy || !wanted.length || gaps.length > 0} onClick=${() => (losses.length ? ask(true) : take(false))}><${Icon} name="check" />${t("defs.do", { n: wanted.length })}</button>
        ${steps.every((step) => step.action === "none") && html`<p class="small soft" role="status">${t("defs.nothing")}</p>`}
      </footer>`}
      ${!source && html`<details class="more"><summary>${t("empty.or")}</summary>
        <${Copyable} text=${curl(`${DEFINITIONS}?dry_run=true`, { options: "--data-binary @gridbear-models.json" })} /></details>`}
    </div></div>
    ${asking && html`<${Typed} heading=${t("design.loss_ask")} name=${losses[0].model} verb=${t("design.loss_do")} stay=${t("design.loss_stay")} cancel=${() => ask(false)} act=${() => take(true)}>
      <p>${t("design.loss_words")}</p>
      <ul class="small">${losses.map((loss) => html`<li key=${`${loss.model}.${loss.field}`}>${lossOf(loss, `${loss.model}.${loss.field}`)}</li>`)}</ul>
    <//>`}
  </div>`;
}
