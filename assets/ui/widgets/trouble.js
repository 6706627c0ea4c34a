// What stands where the content would be: an error with its way out, an empty place that teaches, a skeleton.
import { t } from "../i18n.js";
import { html } from "../vendor/preact.js";
import { Copyable, CopyButton } from "./copy.js";
import { Drawing } from "./drawing.js";
import { Icon } from "./icon.js";

/** The sentence for an error. @param {any} error @returns {string} */
export function sentence(error) {
  if (error?.code === "away") return t(/^GET /.test(error.request || "GET ") ? "error.away" : "error.away_sent");
  if (error?.code === "slow") return t(/^GET /.test(error.request) ? "error.slow" : "error.slow_sent");
  if (error?.status === 429) return t("error.limit", { n: error.retryAfter || 1 });
  return error?.message || t("error.unexpected", { status: error?.status || 0 });
}

/** @param {{error: any, what: string, retry?: () => void}} props `what` names what could not be done */
export function Trouble({ error, what, retry }) {
  const details = [what, sentence(error), error?.request, error?.requestId].filter(Boolean).join("\n");
  return html`<section class="trouble" role="alert">
    <h2><${Icon} name="alert" />${what}</h2>
    <p>${sentence(error)}</p>
    <dl>
      ${error?.request && html`<dt>${t("error.request")}</dt><dd><code>${error.request}</code></dd>`}
      ${error?.requestId && html`<dt>${t("error.id")}</dt><dd><code>${error.requestId}</code></dd>`}
    </dl>
    <div class="row">
      ${retry && html`<button class="btn" type="button" onClick=${retry}><${Icon} name="refresh" />${t("do.retry")}</button>`}
      <${CopyButton} text=${details} label=${t("do.copy_details")} words dense=${false} />
    </div>
  </section>`;
}

/** @param {{heading: string, words: string, curl?: string, main?: boolean, children?: any}} props `main`: its heading is that of the page */
export function Empty({ heading, words, curl, main = false, children }) {
  return html`<section class="empty">
    <${Drawing} />
    <div class="stack">${main ? html`<h1>${heading}</h1>` : html`<h2>${heading}</h2>`}<p>${words}</p></div>
    ${children}
    ${curl && html`<p class="or">${t("empty.or")}</p><${Copyable} text=${curl} />`}
  </section>`;
}

/**
 * Where the first answer of a part will stand. For a moment nothing, and the page round it (`settles`) waits too, so that
 * nothing on it jumps; then `rows` in the shape of what comes.
 * @param {{page: {data: any, error: any, slow: boolean}, rows?: number}} props
 */
export function Waiting({ page, rows = 0 }) {
  if (page.data || page.error) return null;
  if (!page.slow) return html`<span class="soon" hidden></span>`;
  return rows > 0 && html`<${Skeleton} rows=${rows} />`;
}

/** @param {{rows?: number}} props */
export function Skeleton({ rows = 8 }) {
  const widths = ["w65", "w35", "w80", "w50"];
  return html`<div class="skeleton" aria-hidden="true">
    ${Array.from({ length: rows }, (_none, at) => html`<div key=${at}><span class=${`skel ${widths[at % 4]}`} /></div>`)}
  </div>
  <span class="vh" role="status">${t("loading")}</span>`;
}
