// Choosing, dropping and sending files: the state of it, and what it looks like.
import { formatBytes, formatPercent, t } from "../i18n.js";
import { upload } from "../upload.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { sentence } from "./trouble.js";

/** @typedef {{accept?: string[], max_bytes?: number|null}} Wanted */

/** Why a file is not even sent, or an empty text. @param {File} file @param {Wanted} wanted */
function misfit(file, { accept, max_bytes: limit }) {
  if (limit && file.size > limit) return t("file.too_large", { size: formatBytes(file.size), limit: formatBytes(limit) });
  // Without a type the server, which looks into the file, knows better.
  const fits = !accept?.length || !file.type || accept.some((kind) => (kind.endsWith("/*") ? file.type.startsWith(kind.slice(0, -1)) : kind === file.type));
  return fits ? "" : t("file.wrong_kind", { kinds: accept?.join(", ") || "" });
}

/**
 * @param {Wanted} wanted @param {(row: any) => void} done
 * @returns {{name: string, part: number, problem: string, start: (file: File) => Promise<boolean>, cancel: () => void}} `name` is empty while nothing is sent
 */
export function useUpload(wanted, done) {
  const [state, setState] = useState({ name: "", part: 0, problem: "" });
  const running = useRef(/** @type {AbortController|null} */ (null));
  useEffect(() => () => running.current?.abort(), []);
  const start = async (/** @type {File} */ file) => {
    const problem = misfit(file, wanted);
    setState({ name: problem ? "" : file.name, part: 0, problem });
    if (problem) return false;
    const cancel = new AbortController();
    running.current = cancel;
    try {
      const row = await upload("/api/v1/files", new URLSearchParams({ name: file.name }), file, (part) => setState((now) => ({ ...now, part })), cancel.signal);
      setState({ name: "", part: 0, problem: "" });
      done(row);
      return true;
    } catch (error) {
      if (!cancel.signal.aborted) setState({ name: "", part: 0, problem: sentence(error) });
      return false;
    }
  };
  const cancel = () => {
    running.current?.abort();
    setState({ name: "", part: 0, problem: "" });
  };
  return { ...state, start, cancel };
}

/** @param {{name: string, part: number, cancel: () => void}} props */
export function Sending({ name, part, cancel }) {
  return html`<div class="file-box">
    <${Icon} name="upload" />
    <span class="clip">${name}</span>
    <span class="tiny">${formatPercent(part)}</span>
    <button class="btn dense quiet" type="button" onClick=${cancel}>${t("do.cancel")}</button>
    <progress aria-label=${t("file.sending", { name })} value=${part} max="1"></progress>
  </div>`;
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
