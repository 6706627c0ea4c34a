// Choosing, dropping and sending files: the state of it, and what it looks like.
import { PATIENCE_MS, newKey } from "../api.js";
import { formatBytes, formatPercent, t } from "../i18n.js";
import { upload } from "../upload.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { FieldError } from "./labelled.js";
import { sentence } from "./trouble.js";

/** @typedef {{accept?: string[], max_bytes?: number|null}} Wanted */

/** Why a file is not even sent, or an empty text. @param {File} file @param {Wanted} wanted */
function misfit(file, { accept, max_bytes: limit }) {
  if (limit && file.size > limit) return t("file.too_large", { size: formatBytes(file.size), limit: formatBytes(limit) });
  // Without a type the server, which looks into the file, knows better.
  const fits = !accept?.length || !file.type || accept.some((kind) => (kind.endsWith("/*") ? file.type.startsWith(kind.slice(0, -1)) : kind === file.type));
  return fits ? "" : t("file.wrong_kind", { kinds: accept?.join(", ") || "" });
}

const NOTHING = { name: "", part: 0, problem: "", unsent: /** @type {File|null} */ (null) };

/**
 * @param {Wanted} wanted @param {(row: any) => void} done
 * @returns {{name: string, part: number, problem: string, unsent: File|null, start: (file: File) => Promise<boolean>, cancel: () => void}}
 *   `name` is empty while nothing is sent; `unsent`: did not arrive, and may when it is sent once more
 */
export function useUpload(wanted, done) {
  const [state, setState] = useState(NOTHING);
  const running = useRef(/** @type {AbortController|null} */ (null));
  const keys = useRef(/** @type {WeakMap<File, string>} of what may have arrived, though nothing was heard of it */ (new WeakMap()));
  useEffect(() => () => running.current?.abort(), []);
  const start = async (/** @type {File} */ file) => {
    const problem = misfit(file, wanted);
    setState({ ...NOTHING, name: problem ? "" : file.name, problem });
    if (problem) return false;
    const cancel = new AbortController();
    running.current = cancel;
    const key = keys.current.get(file) || newKey();
    keys.current.set(file, key);
    try {
      const row = await upload("/api/v1/files", new URLSearchParams({ name: file.name }), file, {
        onProgress: (part) => setState((now) => ({ ...now, part })), signal: cancel.signal, patience: PATIENCE_MS, key,
      });
      keys.current.delete(file);
      setState(NOTHING);
      done(row);
      return true;
    } catch (/** @type {any} */ error) {
      if (error.status) keys.current.delete(file);
      const passing = (!error.status && error.code !== "changed") || error.status === 429 || error.status >= 500;
      if (!cancel.signal.aborted) setState({ ...NOTHING, problem: passing && !error.message ? t("file.unsent", { name: file.name }) : sentence(error), unsent: passing ? file : null });
      return false;
    }
  };
  const cancel = () => {
    running.current?.abort();
    setState(NOTHING);
  };
  return { ...state, start, cancel };
}

/** @param {{name: string, part: number, cancel: () => void}} props */
export function Sending({ name, part, cancel }) {
  return html`<div class="file-box">
    <${Icon} name="upload" />
    <span class="clip">${name}</span>
    <span class="tiny">${part < 1 ? formatPercent(part) : t("file.waiting")}</span>
    <button class="btn dense quiet" type="button" onClick=${cancel}>${t("do.cancel")}</button>
    <progress aria-label=${t("file.sending", { name })} value=${part} max="1"></progress>
  </div>`;
}

/** Why a file did not arrive, and the way to send it once more. @param {{problem: string, again: (() => void)|null}} props */
export function Unsent({ problem, again }) {
  if (!problem) return null;
  return html`<${FieldError} text=${problem} />${again && html`<div><button class="btn dense" type="button" onClick=${again}><${Icon} name="refresh" />${t("do.retry")}</button></div>`}`;
}

/**
 * A place to drop files on, round what stands there.
 * @param {{take: (files: File[]) => void, children: any, empty?: boolean}} props
 */
export function FileBox({ take, children, empty }) {
  const [over, setOver] = useState(false);
  const stop = (/** @type {DragEvent} */ event, /** @type {boolean} */ now) => {
    event.preventDefault();
    setOver(now);
  };
  return html`<div class=${`file-box ${empty ? "empty-box" : ""} ${over ? "over" : ""}`}
    onDragOver=${(/** @type {DragEvent} */ event) => stop(event, true)} onDragLeave=${(/** @type {DragEvent} */ event) => stop(event, false)}
    onDrop=${(/** @type {DragEvent} */ event) => {
      stop(event, false);
      const files = [...(event.dataTransfer?.files || [])];
      if (files.length) take(files);
    }}>${children}</div>`;
}

/**
 * A button that opens the system's file dialogue; the control itself is there for the keyboard and for labels.
 * @param {{id: string, words: string, accept?: string[], many?: boolean, take: (files: File[]) => void, attributes?: Record<string, any>}} props
 */
export function ChooseButton({ id, words, accept, many, take, attributes }) {
  return html`<input ...${attributes} class="vh choose" type="file" id=${id} accept=${accept?.join(",") || undefined} multiple=${many}
      onChange=${(/** @type {any} */ event) => {
        const files = [...event.target.files];
        event.target.value = "";
        if (files.length) take(files);
      }} />
    <label class="btn dense" for=${id}><${Icon} name="upload" />${words}</label>`;
}
