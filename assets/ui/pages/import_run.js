// One import under way: the file goes up, the server takes the rows over, and says what became of them.
import { api, newKey } from "../api.js";
import { formatNumber, t } from "../i18n.js";
import { upload } from "../upload.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Progress } from "../widgets/progress.js";

/** @typedef {{row: string, field: string, message: string}} RowError */
/** @typedef {{rows: number, imported: number, refused: number, first_id: number|null, last_id: number|null, dry_run: boolean, seconds: number}} Report */

/**
 * Runs imports and holds where the latest one stands.
 * @returns {{state: null|{part: number, dry: boolean}, run: (model: string, file: Blob, query: URLSearchParams) => Promise<Report>, cancel: () => void}}
 */
export function useImport() {
  const [state, setState] = useState(/** @type {null|{part: number, dry: boolean}} */ (null));
  const control = useRef(/** @type {AbortController|null} */ (null));
  const unheard = useRef(/** @type {{file: Blob, asked: string, key: string}|null} */ (null));
  useEffect(() => () => control.current?.abort(), []);
  const run = async (/** @type {string} */ model, /** @type {Blob} */ file, /** @type {URLSearchParams} */ query) => {
    control.current = new AbortController();
    const dry = query.get("dry_run") === "true";
    setState({ part: 0, dry });
    const path = `/api/v1/${model}/import`;
    const asked = `${path}?${query}`;
    // The same rows once more, where nobody heard what became of them: what was taken over is not taken twice.
    const earlier = unheard.current?.file === file && unheard.current.asked === asked ? unheard.current.key : null;
    const key = earlier || newKey();
    if (!dry) unheard.current = { file, asked, key };
    try {
      const report = await upload(path, query, file, { onProgress: (part) => setState({ part, dry }), signal: control.current.signal, key });
      if (!dry) unheard.current = null;
      return report;
    } catch (/** @type {any} */ error) {
      if (error.status) unheard.current = null;
      throw error;
    } finally {
      setState(null);
    }
  };
  return { state, run, cancel: () => control.current?.abort() };
}

/** The rows that an answer or an error names. @param {any} answer a report or an ApiError @returns {RowError[]} */
export function rowErrors(answer) {
  if (Array.isArray(answer?.errors)) return answer.errors.map((/** @type {any} */ one) => ({ ...one, row: String(one.row), field: one.field || "" }));
  return Object.entries(answer?.fields || {}).map(([name, about]) => {
    const [row, ...field] = name.split(".");
    const numbered = /^\d+$/.test(row);
    return { row: numbered ? row : "", field: numbered ? field.join(".") : name, message: /** @type {any} */ (about).message };
  });
}

const LOOK_MS = 800;

/** @param {{state: {part: number, dry: boolean}, cancel: () => void}} props */
export function ImportProgress({ state, cancel }) {
  const up = state.part < 1;
  const [told, setTold] = useState(/** @type {{phase: string, part: number, rows: number}|null} */ (null));
  useEffect(() => {
    if (up) return;
    const look = () => api.get("/api/v1/import/running").then(({ data }) => setTold(data[0] || null), () => setTold(null));
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [up]);
  const reading = told?.phase === "reading";
  const words = up ? t("import.sending", { part: Math.round(state.part * 100) })
    : reading ? t("import.reading", { n: told.rows, part: Math.round(told.part * 100) })
    : told?.rows ? t(state.dry ? "import.checking_rows" : "import.storing", { n: told.rows })
    : t(state.dry ? "import.checking" : "import.taking");
  return html`<div class="stack">
    <${Progress} label=${t("import.progress")} part=${up ? state.part : reading ? told.part : null} words=${words} />
    ${up && html`<div><button class="btn" type="button" onClick=${cancel}>${t("do.cancel")}</button></div>`}
  </div>`;
}

/** What stands in the way, row by row. @param {{errors: RowError[], refused: number}} props */
export function RowErrorTable({ errors, refused }) {
  if (!errors.length) return null;
  return html`<div class="stack">
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t("import.errors")}><table class="facts">
      <thead><tr><th scope="col" class="n">${t("import.row")}</th><th scope="col">${t("import.field")}</th><th scope="col">${t("import.problem")}</th></tr></thead>
      <tbody>${errors.map((one, at) => html`<tr key=${at}><td class="n">${one.row && formatNumber(Number(one.row))}</td><td class="mono">${one.field}</td><td>${one.message}</td></tr>`)}</tbody>
    </table></div>
    ${refused > errors.length && html`<p class="small muted">${t("import.more_errors", { n: refused - errors.length })}</p>`}
  </div>`;
}
