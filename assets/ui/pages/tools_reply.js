// What a tool answered: as text, as JSON, or whole as it went over the wire.
import { formatBytes, formatNumber, t } from "../i18n.js";
import { formatJson, parseJson } from "../json.js";
import { html, useMemo, useState } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { JsonCode } from "../widgets/json_code.js";
import { Trouble } from "../widgets/trouble.js";
import { Parts, isMixed } from "./tools_parts.js";

/** @param {{outcome: import("./tools_run.js").Outcome}} props */
export function Reply({ outcome }) {
  if (outcome.error) return html`<${Trouble} error=${outcome.error} what=${t(outcome.error.status ? "tools.refused" : "tools.answer_lost")} />`;
  return html`<${Result} result=${outcome.result} took=${outcome.took || 0} />`;
}

/** @param {{result: any, took: number}} props */
export function Result({ result, took }) {
  const parts = useMemo(() => partsOf(result), [result]);
  const text = useMemo(() => parts.map(told).join("\n\n"), [parts]);
  const structured = useMemo(() => structuredOf(result, text), [result]);
  const views = [...(text ? ["text"] : []), ...(structured === undefined ? [] : ["json"]), "raw"];
  const [chosen, choose] = useState(structured === undefined ? views[0] : "json");
  const whole = useMemo(() => formatJson(result, 2), [result]);
  const shown = chosen === "text" ? text : chosen === "json" ? formatJson(structured, 2) : whole;
  return html`<div class="row wrap">
      <span class=${`tag ${result?.isError ? "bad" : "ok"}`}><${Icon} name=${result?.isError ? "alert" : "check"} size=${14} />${t(result?.isError ? "tools.failed" : "tools.done")}</span>
      <span class="small muted num">${t("tools.ms", { n: formatNumber(Number(took.toPrecision(3))) })}, ${formatBytes(new Blob([whole]).size)}</span>
      <span class="grow"></span>
      <div class="row"><div class="segmented dense" role="group" aria-label=${t("tools.result_as")}>
        ${views.map((one) => html`<button key=${one} type="button" aria-pressed=${chosen === one ? "true" : "false"} onClick=${() => choose(one)}>${t(`tools.as_${one}_view`)}</button>`)}
      </div>
      <${CopyButton} text=${shown} label=${t("tools.copy_result")} /></div>
    </div>
    ${chosen === "text" && isMixed(parts) ? html`<${Parts} parts=${parts} told=${told} />`
      : chosen === "text" ? html`<pre class="code wrap" tabindex="0" role="region" aria-label=${t("tools.result")}>${text}</pre>`
      : html`<${JsonCode} value=${chosen === "json" ? structured : result} label=${t("tools.result")} />`}`;
}

/** Of a tool's result, a prompt or a resource. @param {any} result @returns {any[]} */
function partsOf(result) {
  if (Array.isArray(result?.content)) return result.content;
  if (Array.isArray(result?.messages)) return result.messages.flatMap((/** @type {any} */ one) => [{ type: "text", text: `${one.role}:` }, one.content]);
  return Array.isArray(result?.contents) ? result.contents.map((/** @type {any} */ resource) => ({ type: "resource", resource })) : [];
}

/** A part for people; what is no text is named. @param {any} part @returns {string} */
function told(part) {
  if (part.type === "text") return part.text;
  if (part.type === "resource" && part.resource?.text !== undefined) return part.resource.text;
  const what = part.mimeType || part.resource?.mimeType || part.uri || part.resource?.uri || "";
  return t("tools.part", { type: part.type, what });
}

/** @param {any} result @param {string} text @returns {any} undefined where there is none */
function structuredOf(result, text) {
  if (result?.structuredContent !== undefined) return result.structuredContent;
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
