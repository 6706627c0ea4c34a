// A file's rows into an existing model: which column goes where, what does not fit, then all or what is good.
import { PATIENCE_MS } from "../api.js";
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { isAdmin, lookAgain } from "../store.js";
import { nameOf, removeRecords } from "../undo.js";
import { sampleOf, upload } from "../upload.js";
import { html, useState } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { DropZone } from "../widgets/drop_zone.js";
import { useHere } from "../widgets/here.js";
import { Icon } from "../widgets/icon.js";
import { Select } from "../widgets/select.js";
import { say } from "../widgets/toasts.js";
import { Trouble, sentence } from "../widgets/trouble.js";
import { useUnsaved } from "../widgets/unsaved.js";
import { inSentence } from "../widgets/words.js";
import { PartHead } from "./data_head.js";
import { ImportProgress, RowErrorTable, rowErrors, useImport } from "./import_run.js";
import { ChosenFile } from "./import_source.js";

export const FILES = ".csv,.tsv,.txt,.json,.jsonl,.ndjson,.db,.sqlite,.sqlite3";
const UNDO_AT_MOST = 10_000;
const KEPT = ["id", "created_at", "updated_at", "owner_id"];

/** @param {{model: import("../types").Model}} props */
export function DataImport({ model }) {
  const [source, setSource] = useState(/** @type {{file: File, table: string, guess: any}|null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [looking, setLooking] = useState(false);
  const [again, setAgain] = useState(/** @type {File|null} */ (null));
  const look = async (/** @type {File} */ file, table = "") => {
    if (looking) return;
    setLooking(true);
    setProblem(null);
    setAgain(file);
    try {
      const query = new URLSearchParams(table ? { table } : {});
      setSource({ file, table, guess: await upload("/api/v1/import/guess", query, await sampleOf(file), { patience: PATIENCE_MS }) });
    } catch (error) {
      setSource(null);
      setProblem(error);
    }
    setLooking(false);
  };
  return html`<div class="area">
    <${PartHead} model=${model} heading=${t("import.title", { name: inSentence(model.label_plural) })} words=${t("import.words")} />
    <div class="scroll"><div class="column narrow">
      ${source
        ? html`<${ChosenFile} file=${source.file} guess=${source.guess} choose=${(/** @type {string} */ table) => look(source.file, table)} drop=${() => setSource(null)} />
            <${Mapping} key=${`${source.file.name}/${source.guess.table}`} model=${model} source=${source} />`
        : html`<${DropZone} id="import-file" words=${looking ? t("import.looking") : t("import.drop")} accept=${FILES} paste onFile=${look} />
            ${problem && html`<${Trouble} error=${problem} what=${t(problem.status ? "import.unreadable" : "import.unsent")} retry=${again && !problem.status && problem.code !== "changed" ? () => look(again) : undefined} />`}
            <details class="more"><summary>${t("empty.or")}</summary>
              <${Copyable} text=${curl(`/api/v1/${model.name}/import?dry_run=true`, { options: "--data-binary @rows.csv" })} /></details>`}
    </div></div>
  </div>`;
}

/** The field a column most likely is. @param {import("../types").Field[]} fields @param {string} column */
function likely(fields, column) {
  const plain = (/** @type {string} */ text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
  const hit = fields.find((field) => field.name === column) || fields.find((field) => [plain(field.name), plain(field.label)].includes(plain(column)));
  return hit?.name || "";
}

/** The rows went up whole, so nobody knows what became of them. @param {{model: import("../types").Model, dry: boolean}} props */
function AnswerLost({ model, dry }) {
  return html`<div class="note warn" role="alert"><${Icon} name="alert" /><div class="stack">
    <span>${t(dry ? "import.answer_lost_dry" : "import.answer_lost")}</span>
    ${!dry && html`<a href=${href(`/data/${model.name}`, { sort: "-id" })} target="_blank">${t("import.see_newest")}</a>`}
  </div></div>`;
}

/** @param {{model: import("../types").Model, source: {file: File, table: string, guess: any}}} props */
function Mapping({ model, source }) {
  const columns = /** @type {any[]} */ (source.guess.columns);
  const [keepIds, setKeepIds] = useState(false);
  const fields = model.fields.filter((field) => (keepIds && KEPT.includes(field.name)) || (!field.read_only && !(KEPT.includes(field.name) && !keepIds)));
  const [mapping, setMapping] = useState(() => /** @type {Record<string, string>} */ (Object.fromEntries(columns.map((one) => [one.name, likely(fields, one.name)]))));
  const [touched, setTouched] = useState(false);
  const [skipBad, setSkipBad] = useState(false);
  const [report, setReport] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const { state, run, cancel } = useImport();
  // Who leaves while the file goes up takes it back.
  const finished = useUnsaved(touched || state !== null);
  const here = useHere();
  const query = (/** @type {boolean} */ dry) => {
    const search = new URLSearchParams({ mapping: JSON.stringify(Object.fromEntries(columns.map((one) => [one.name, mapping[one.name] || null]))) });
    search.set("mode", skipBad ? "skip_bad" : "all");
    if (source.guess.format) search.set("format", source.guess.format);
    if (source.guess.delimiter) search.set("delimiter", source.guess.delimiter);
    if (source.guess.table) search.set("table", source.guess.table);
    if (keepIds) search.set("keep_ids", "true");
    if (dry) search.set("dry_run", "true");
    return search;
  };
  const start = async (/** @type {boolean} */ dry) => {
    setReport(null);
    setProblem(null);
    try {
      const found = await run(model.name, source.file, query(dry));
      if (dry) return setReport(found);
      done(found);
    } catch (/** @type {any} */ error) {
      if (error.name !== "AbortError") setProblem(Object.assign(error, { dry }));
    }
  };
  const done = (/** @type {import("./import_run.js").Report} */ found) => {
    const { first_id: first, last_id: last, imported: n } = found;
    const back = () => removeRecords(model, `id__gte=${first}&id__lte=${last}`, n, { after: lookAgain });
    // Only rows that lie together are certainly all of this import.
    const whole = first !== null && last !== null && last - first + 1 === n && n <= UNDO_AT_MOST;
    say(t("import.done", { n, name: nameOf(model, n), seconds: found.seconds }), "ok", whole ? { label: t("undo.do"), run: back } : undefined);
    finished();
    if (here()) go(href(`/data/${model.name}`, { sort: "-id" }));
  };
  const missing = fields.filter((field) => field.required && !KEPT.includes(field.name) && !Object.values(mapping).includes(field.name));
  const choose = (/** @type {string} */ column) => (/** @type {any} */ event) => {
    setMapping((now) => ({ ...now, [column]: event.target.value }));
    setTouched(true);
    setReport(null);
  };
  const some = Object.values(mapping).some(Boolean);
  const refused = problem?.code === "rows_refused";
  return html`<section class="card" aria-labelledby="mapping-title">
      <header><h2 id="mapping-title">${t("import.mapping")}</h2></header>
      <ul class="plain-list mapping">
        ${columns.map((column) => html`<li key=${column.name}>
          <div class="grow stack tight"><p class="strong clip">${column.name}</p><p class="tiny muted clip">${column.examples.join(" · ") || t("import.no_values")}</p></div>
          <${Icon} name="arrow-right" size=${16} />
          <${Select} dense value=${mapping[column.name]} onChange=${choose(column.name)} aria-label=${t("import.into", { column: column.name })}>
            <option value="" selected=${!mapping[column.name]}>${t("import.leave_out")}</option>
            ${fields.map((field) => html`<option key=${field.name} value=${field.name} selected=${mapping[column.name] === field.name}>${field.label}</option>`)}
          <//>
        </li>`)}
      </ul>
    </section>
    <div class="stack">
      <div class="check-row"><input class="check" type="checkbox" id="skip-bad" checked=${skipBad} onChange=${(/** @type {any} */ event) => setSkipBad(event.target.checked)} />
        <label for="skip-bad">${t("import.skip_bad")}</label></div>
      ${isAdmin() && columns.some((column) => column.name === "id") && html`<div class="check-row">
        <input class="check" type="checkbox" id="keep-ids" checked=${keepIds} onChange=${(/** @type {any} */ event) => {
          setKeepIds(event.target.checked);
          setMapping((now) => ({ ...now, ...Object.fromEntries(KEPT.filter((name) => name in now).map((name) => [name, event.target.checked ? name : ""])) }));
        }} />
        <label for="keep-ids">${t("import.keep_ids")}</label></div>`}
    </div>
    ${missing.length > 0 && html`<p class="note warn"><${Icon} name="alert" /><span>${t("import.missing", { fields: missing.map((field) => field.label).join(", ") })}</span></p>`}
    ${report && html`<p class=${`note ${report.refused ? "warn" : "good"}`} role="status"><${Icon} name=${report.refused ? "alert" : "check"} />
      <span>${report.refused ? t("import.told_bad", { good: report.rows - report.refused, n: report.refused }) : t("import.told_good", { n: report.rows })}</span></p>`}
    ${report && html`<${RowErrorTable} errors=${rowErrors(report)} refused=${report.refused} />`}
    ${problem?.sent ? html`<${AnswerLost} model=${model} dry=${problem.dry} />` : problem && (refused || Object.keys(problem.fields).length
      ? html`<p class="note bad" role="alert"><${Icon} name="alert" /><span>${sentence(problem)}</span></p><${RowErrorTable} errors=${rowErrors(problem)} refused=${0} />`
      : html`<${Trouble} error=${problem} what=${t("import.failed")} />`)}
    ${state
      ? html`<${ImportProgress} state=${state} cancel=${cancel} />`
      : html`<footer class="row wrap do">
          <button class="btn primary" type="button" disabled=${!some || missing.length > 0} onClick=${() => start(false)}><${Icon} name="upload" />${t(skipBad ? "import.do_good" : "import.do")}</button>
          <button class="btn" type="button" disabled=${!some} onClick=${() => start(true)}>${t("import.check")}</button>
        </footer>`}`;
}
