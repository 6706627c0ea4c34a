// Sending a file with its progress, which fetch can't tell. Answers and errors are those of api.js.
import { refusal, watchForReturn } from "./api.js";
import { parseJson } from "./json.js";
import { base } from "./store.js";

/**
 * @param {string} path below the base path @param {URLSearchParams} query @param {Blob} body
 * @param {(part: number) => void} [onProgress] 0 to 1, of what was sent @param {AbortSignal} [signal]
 * @returns {Promise<any>} `data` of the answer
 * @throws {import("./api.js").ApiError}
 */
export function upload(path, query, body, onProgress, signal) {
  const address = query.size ? `${path}?${query}` : path;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${base}${address}`);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", body.type || "application/octet-stream");
    request.upload.onprogress = (event) => event.lengthComputable && onProgress?.(event.loaded / event.total);
    request.upload.onload = () => onProgress?.(1);
    const refuse = (/** @type {any} */ envelope) =>
      reject(refusal(request.status, envelope, `POST ${address}`, (name) => request.getResponseHeader(name)));
    request.onload = () => {
      let envelope = null;
      try {
        envelope = parseJson(request.responseText);
      } catch {
        // No envelope: said as an unexpected answer.
      }
      if (request.status < 300 && envelope?.ok) resolve(envelope.data);
      else refuse(envelope);
    };
    request.onerror = () => {
      watchForReturn();
      refuse(null);
    };
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

const SAMPLE_BYTES = 1 << 20;
const SQLITE_MARK = "SQLite format 3";

/** The part of a file that is enough to guess by: its beginning, or all of a SQLite file. @param {Blob} file */
export async function sampleOf(file) {
  const head = await file.slice(0, SQLITE_MARK.length).text();
  return head === SQLITE_MARK ? file : file.slice(0, SAMPLE_BYTES);
}
