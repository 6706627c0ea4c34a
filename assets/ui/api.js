// Every request of the pages goes through here: envelope, errors, sign-in, and what to do while the server is away.
import { formatJson, parseJson } from "./json.js";
import { away, base, person, returned, setupNeeded } from "./store.js";

const RETRY_MS = 2000;

/** What went wrong, with everything the error envelope said. */
export class ApiError extends Error {
  /** @param {number} status 0 when the server did not answer @param {any} envelope @param {string} request */
  constructor(status, envelope, request) {
    super(envelope?.error || "");
    this.status = status;
    /** @type {string} */
    this.code = envelope?.code || (status ? "unexpected" : "away");
    /** @type {Record<string, {code: string, message: string}>} */
    this.fields = envelope?.fields || {};
    this.requestId = envelope?.request_id || null;
    this.request = request;
    /** @type {number|null} seconds */
    this.retryAfter = null;
  }
}

/**
 * @typedef {{data: any, count: number|null, etag: string|null, status: number}} Answer
 * @typedef {{query?: string|URLSearchParams, body?: any, form?: Record<string, string>, headers?: Record<string, string>, signal?: AbortSignal, anonymous?: boolean}} Options
 */

/**
 * @param {string} method
 * @param {string} path below the base path, such as "/api/v1/notes"
 * @param {Options} [options]
 * @returns {Promise<Answer>}
 * @throws {ApiError}
 */
export async function request(method, path, options = {}) {
  const query = options.query ? `?${options.query}` : "";
  const name = `${method} ${path}${query}`;
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json", ...options.headers };
  /** @type {string|URLSearchParams|undefined} */
  let body;
  if (options.form) body = new URLSearchParams(options.form);
  else if (options.body !== undefined) {
    headers["content-type"] = "application/json";
    body = formatJson(options.body);
  }
  let response;
  try {
    response = await fetch(`${base}${path}${query}`, {
      method, headers, body, signal: options.signal, credentials: "same-origin", cache: "no-store",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    watchForReturn();
    throw new ApiError(0, null, name);
  }
  const envelope = await readEnvelope(response);
  if (!response.ok || !envelope || envelope.ok === false) {
    throw refusal(response.status, envelope, name, (header) => response.headers.get(header), options.anonymous);
  }
  return { data: envelope.data, count: envelope.count ?? null, etag: response.headers.get("etag"), status: response.status };
}

/**
 * What an answer that is no success means; one that nobody is signed in for leads to the sign-in page.
 * @param {number} status @param {any} envelope @param {string} name @param {(header: string) => string|null} header @param {boolean} [anonymous]
 */
export function refusal(status, envelope, name, header, anonymous = false) {
  const problem = new ApiError(status, envelope, name);
  problem.retryAfter = Number(header("retry-after")) || null;
  problem.requestId ||= header("x-request-id");
  if (status === 401 && !anonymous) leave(problem.code);
  return problem;
}

/** @param {Response} response @returns {Promise<any>} the envelope, or null where the answer is none */
async function readEnvelope(response) {
  const text = await response.text().catch(() => "");
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

/** @param {string} code */
function leave(code) {
  if (code === "setup_required") setupNeeded.value = true;
  person.value = null;
}

let watching = false;

/** Asks /healthz until the server answers again. */
export function watchForReturn() {
  away.value = true;
  if (watching) return;
  watching = true;
  const timer = setInterval(async () => {
    const answer = await fetch(`${base}/healthz`, { cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return;
    clearInterval(timer);
    watching = false;
    away.value = false;
    returned.value += 1;
  }, RETRY_MS);
}

export const api = {
  /** @param {string} path @param {Options} [options] */
  get: (path, options) => request("GET", path, options),
  /** @param {string} path @param {any} [body] @param {Options} [options] */
  post: (path, body, options) => request("POST", path, { body, ...options }),
  /** @param {string} path @param {any} body @param {Options} [options] */
  put: (path, body, options) => request("PUT", path, { body, ...options }),
  /** @param {string} path @param {any} body @param {Options} [options] */
  patch: (path, body, options) => request("PATCH", path, { body, ...options }),
  /** @param {string} path @param {Options} [options] */
  delete: (path, options) => request("DELETE", path, options),
};
