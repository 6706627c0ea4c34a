// Sending a file with its progress, which fetch can't tell. Answers and errors are those of api.js.
import { ApiError, PATIENCE_MS, lookForServer, newKey, refusal, watchForReturn } from "./api.js";
import { t } from "./i18n.js";
import { parseJson } from "./json.js";
import { base } from "./store.js";

/**
 * `onProgress`: 0 to 1, of what was sent; `patience`: milliseconds for the answer when all is sent, else as long as it takes;
 * `key`: what keeps it from being done twice
 * @typedef {{onProgress?: (part: number) => void, signal?: AbortSignal, patience?: number, key?: string}} How
 */

/**
 * Given up as "slow" when nothing moves for a minute while it is sent.
 * @param {string} path below the base path @param {URLSearchParams} query @param {Blob} body @param {How} [how]
 * @returns {Promise<any>} `data` of the answer
 * @throws {import("./api.js").ApiError} with `sent` where the server may have it all
 */
export function upload(path, query, body, { onProgress, signal, patience = 0, key = newKey() } = {}) {
  const address = query.size ? `${path}?${query}` : path;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${base}${address}`);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", body.type || "application/octet-stream");
    request.setRequestHeader("idempotency-key", key);
    let sent = false;
    let slow = false;
    let timer = 0;
    const wait = (/** @type {number} */ ms) => {
      clearTimeout(timer);
      if (ms) timer = setTimeout(() => {
        slow = true;
        request.abort();
      }, ms);
    };
    request.onloadend = () => wait(0);
    request.upload.onprogress = (event) => {
      wait(PATIENCE_MS);
      if (event.lengthComputable) onProgress?.(event.loaded / event.total);
    };
    request.upload.onload = () => {
      sent = true;
      wait(patience);
      onProgress?.(1);
    };
    const refuse = (/** @type {any} */ envelope) => {
      const problem = refusal(request.status, envelope, `POST ${address}`, (name) => request.getResponseHeader(name));
      reject(Object.assign(problem, { sent: sent && !request.status }));
    };
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
    request.onerror = async () => {
      // A file that is no longer as it was chosen ends it as well, and the server is well.
      const problem = await unreadable(body, `POST ${address}`);
      if (problem) return reject(problem);
      watchForReturn();
      refuse(null);
    };
    request.onabort = () => {
      if (!slow) return reject(new DOMException("aborted", "AbortError"));
      lookForServer();
      refuse({ code: "slow" });
    };
    signal?.addEventListener("abort", () => request.abort());
    wait(PATIENCE_MS);
    request.send(body);
  });
}

/** Why a file that was chosen can't be read any more: it was changed since, or moved. @param {Blob} file @param {string} name of what was asked */
async function unreadable(file, name) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return null;
  } catch {
    return new ApiError(0, { code: "changed", error: t("error.changed") }, name);
  }
}

const SAMPLE_BYTES = 1 << 20;
const SQLITE_MARK = "SQLite format 3";

/** The part of a file that is enough to guess by: its beginning, or all of a SQLite file. @param {Blob} file */
export async function sampleOf(file) {
  const problem = await unreadable(file, "");
  if (problem) throw problem;
  const head = await file.slice(0, SQLITE_MARK.length).text();
  return head === SQLITE_MARK ? file : file.slice(0, SAMPLE_BYTES);
}
