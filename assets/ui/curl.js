import { base } from "./store.js";

/**
 * A request as a terminal sends it; `$TOKEN` is an API token, as in the docs.
 * @param {string} path below the base path, with its query
 * @param {{method?: string, options?: string, json?: any}} [how] `method`: one that curl would not take by itself; `json`: the body, or its text
 */
export function curl(path, { method, options, json } = {}) {
  const text = typeof json === "string" ? json : JSON.stringify(json);
  // The one sign that ends a text in single quotes.
  const body = text && `-d '${text.replaceAll("'", "'\\''")}'`;
  const words = ["curl", method && `-X ${method}`, '-H "Authorization: Bearer $TOKEN"', options, body, `"${location.origin}${base}${path}"`];
  return words.filter(Boolean).join(" ");
}
