// A new model, from nothing or from a file whose rows then become its records.
import { PATIENCE_MS, api } from "../api.js";
import { formatBytes, t } from "../i18n.js";
import { loadModels } from "../models.js";
import { go, href } from "../router.js";
import { sampleOf, upload } from "../upload.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { DropZone } from "../widgets/drop_zone.js";
import { useHere } from "../widgets/here.js";
import { Icon } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { useTrail } from "../widgets/trail.js";
import { Trouble, sentence } from "../widgets/trouble.js";
import { useUnsaved } from "../widgets/unsaved.js";
import { FILES } from "./data_import.js";
import { blankModel, definitionOf, draftOfGuess, errorsOf } from "./design_draft.js";
import { DesignForm } from "./design_form.js";
import { ImportProgress, RowErrorTable, rowErrors, useImport } from "./import_run.js";
import { ChosenFile } from "./import_source.js";

export function DesignNew() {
  useTrail(t("design.new"), true);
  const [draft, setDraft] = useState(blankModel);
  const [source, setSource] = useState(/** @type {{file: File, guess: any}|null} */ (null));
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [made, setMade] = useState("");
  const [busy, setBusy] = useState(false);
  const { state, run, cancel } = useImport();
  const here = useHere();
  const [blank] = useState(() => JSON.stringify(draft));
  const done = useUnsaved(JSON.stringify(draft) !== blank);
  const heading = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  const look = async (/** @type {File} */ file, table = "") => {
    setBusy(true);
    setProblem(null);
    try {
      const query = new URLSearchParams({ name: table || file.name.replace(/\.[^.]*$/, "") });
      if (table) query.set("table", table);
      const guess = await upload("/api/v1/import/guess", query, await sampleOf(file), { patience: PATIENCE_MS });
      setSource({ file, guess });
      setDraft(draftOfGuess(guess));
      setErrors({});
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const refuse = (/** @type {any} */ error) => {
    const found = errorsOf(draft, error.fields || {});
    setErrors(found);
    setProblem(found[""] || !Object.keys(found).length ? error : null);
    showFirst(Object.keys(found));
  };
  const make = async () => {
    const { definition, errors: found } = definitionOf(draft);
    setProblem(null);
    setErrors(Object.fromEntries(Object.entries(found).map(([part, key]) => [part, t(key)])));
    if (Object.keys(found).length) return showFirst(Object.keys(found));
    setBusy(true);
    try {
      if (!made) await api.post("/api/v1/models", definition);
    } catch (error) {
      setBusy(false);
      return refuse(error);
    }
    setMade(definition.name);
    if (!source) return finish(definition.name, t("design.made", { name: definition.label_plural }));
    await take(definition.name, "all");
  };
  const take = async (/** @type {string} */ name, /** @type {string} */ mode) => {
    if (!source) return;
    setBusy(true);
    setProblem(null);
    const { guess, file } = source;
    const fields = new Map(draft.fields.filter((field) => field.column !== null).map((field) => [field.column, field.name]));
    const query = new URLSearchParams({ mode, mapping: JSON.stringify(Object.fromEntries(guess.columns.map((/** @type {any} */ one) => [one.name, fields.get(one.name) ?? null]))) });
    for (const part of ["format", "delimiter", "table"]) if (guess[part]) query.set(part, guess[part]);
    try {
      const report = await run(name, file, query);
      finish(name, t("import.made_done", { n: report.imported, seconds: report.seconds }));
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  /** After an import was refused the model is there and empty: it goes again, so that its fields can be changed. */
  const back = async () => {
    setProblem(null);
    try {
      await api.delete(`/api/v1/models/${made}`);
      setMade("");
    } catch (error) {
      setProblem(error);
    }
  };
  const finish = async (/** @type {string} */ name, /** @type {string} */ text) => {
    await loadModels();
    done();
    say(text);
    if (here()) go(href(`/data/${name}`));
  };
  const refused = problem?.code === "rows_refused";
  return html`<div class="area">
    <header class="page-head part">
      <a class="btn quiet only" href=${href("/data")} aria-label=${t("data.all_models")} title=${t("data.all_models")}><${Icon} name="left" /></a>
      <div class="say"><h1 tabindex="-1" ref=${heading}>${t("design.new")}</h1><p>${t("design.new_words")}</p></div>
    </header>
    <div class="scroll"><div class="column narrow">
      ${source
        ? html`<${ChosenFile} file=${source.file} guess=${source.guess} choose=${(/** @type {string} */ table) => look(source.file, table)} drop=${() => {
            setSource(null);
            setDraft(blankModel());
          }} />`
        : html`<${DropZone} id="design-file" words=${busy ? t("import.looking") : t("design.drop")} accept=${FILES} paste onFile=${look} />`}
      ${!made && html`<${DesignForm} key=${source ? source.file.name + source.guess.table : ""} draft=${draft} set=${setDraft} errors=${errors} existing=${false} />`}
      ${problem && (refused
        ? html`<p class="note bad" role="alert"><${Icon} name="alert" /><span>${sentence(problem)}</span></p><${RowErrorTable} errors=${rowErrors(problem)} refused=${0} />`
        : html`<${Trouble} error=${problem} what=${t(made ? "import.failed" : "design.failed")} />`)}
      ${state
        ? html`<${ImportProgress} state=${state} cancel=${cancel} />`
        : made
          ? html`<footer class="row wrap do">
              <button class="btn primary" type="button" disabled=${busy} onClick=${() => take(made, "skip_bad")}>${t("import.do_good")}</button>
              <button class="btn" type="button" disabled=${busy} onClick=${back}>${t("design.back_to_fields")}</button>
            </footer>`
          : html`<footer class="row wrap do">
              <button class="btn primary" type="button" disabled=${busy} onClick=${make}><${Icon} name="plus" />${source ? t("design.make_with_rows", { size: formatBytes(source.file.size) }) : t("design.make")}</button>
              <a class="btn quiet" href=${href("/data")}>${t("do.cancel")}</a>
            </footer>`}
    </div></div>
  </div>`;
}

/** Brings the first part that is wrong before the person's eyes. @param {string[]} parts */
export function showFirst(parts) {
  requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector("[aria-invalid=true], .note.bad, .trouble"))?.focus?.());
  if (parts.length) requestAnimationFrame(() => document.querySelector("[aria-invalid=true]")?.scrollIntoView({ block: "center" }));
}
