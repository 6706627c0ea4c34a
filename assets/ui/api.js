// Every request of the pages goes through here: envelope, errors, sign-in, and what to do while the server is away.
import { formatJson, parseJson } from "./json.js";
import { away, base, person, returned, setupNeeded, signInEnded, stored } from "./store.js";

const RETRY_MS = 2000;
/** A look whether the server is there takes no longer. */
const LOOK_MS = 10_000;
/** An answer that is still missing then will hardly come: what is read, and what is asked with `patience`. */
export const PATIENCE_MS = 60_000;

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
    /** Only the answer is missing: what was asked for may have been done. */
    this.sent = false;
  }
}

/**
 * @typedef {{data: any, count: number|null, etag: string|null, status: number}} Answer
 * @typedef {{query?: string|URLSearchParams, body?: any, form?: Record<string, string>, headers?: Record<string, string>, signal?: AbortSignal, anonymous?: boolean, patience?: number}} Options
 * `patience`: milliseconds until it is given up; what is read has 60 seconds, all else the time that it takes
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
  // A browser sends a request again by itself when a kept connection dies: the key keeps it from being done twice.
  if (method === "POST" && !options.anonymous && !query.startsWith("?upsert=")) headers["idempotency-key"] ??= newKey();
  /** @type {string|URLSearchParams|undefined} */
  let body;
  if (options.form) body = new URLSearchParams(options.form);
  else if (options.body !== undefined) {
    headers["content-type"] = "application/json";
    body = formatJson(options.body);
  }
  const limit = timeLimit(options.patience ?? (method === "GET" ? PATIENCE_MS : 0), options.signal);
  let response;
  let envelope;
  try {
    response = await fetch(`${base}${path}${query}`, {
      method, headers, body, signal: limit.signal, credentials: "same-origin", cache: "no-store",
    });
    envelope = await readEnvelope(response);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (limit.signal?.aborted) {
      lookForServer();
      throw new ApiError(0, { code: "slow" }, name);
    }
    watchForReturn();
    throw new ApiError(0, null, name);
  } finally {
    limit.end();
  }
  if (!response.ok || !envelope || envelope.ok === false) {
    throw refusal(response.status, envelope, name, (header) => response.headers.get(header), options.anonymous);
  }
  return { data: envelope.data, count: envelope.count ?? null, etag: response.headers.get("etag"), status: response.status };
}

/** Random also where a page comes by plain http, which is kept from making UUIDs. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} ms 0 for no limit @param {AbortSignal} [given] @returns {{signal: AbortSignal|undefined, end: () => void}} */
function timeLimit(ms, given) {
  if (!ms) return { signal: given, end: () => {} };
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), ms);
  const onAbort = () => control.abort();
  if (given?.aborted) control.abort();
  given?.addEventListener("abort", onAbort);
  return {
    signal: control.signal,
    end: () => {
      clearTimeout(timer);
      given?.removeEventListener("abort", onAbort);
    },
  };
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
  const text = await response.text();
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

/** Whoever was in finds everything as it was after signing in again; after a restore nothing is as it was. @param {string} code */
function leave(code) {
  if (code === "setup_required") setupNeeded.value = true;
  if (person.value && !setupNeeded.value && stored("restored", "") !== "yes") signInEnded.value = true;
  else person.value = null;
}

/** Whether the server answers at all. */
async function answers() {
  const limit = timeLimit(LOOK_MS);
  const answer = await fetch(`${base}/healthz`, { cache: "no-store", signal: limit.signal }).catch(() => null);
  limit.end();
  return Boolean(answer?.ok);
}

/** Looks whether the server is there, for whoever has a reason to doubt it. */
export async function lookForServer() {
  if (!away.value && !(await answers())) watchForReturn();
}

let watching = false;

/** Asks /healthz until the server answers again. */
export async function watchForReturn() {
  away.value = true;
  if (watching) return;
  watching = true;
  do await new Promise((next) => setTimeout(next, RETRY_MS));
  while (!(await answers()));
  watching = false;
  away.value = false;
  returned.value += 1;
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
