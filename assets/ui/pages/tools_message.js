// One message whole, with what belongs to it beside it: a request and its answer.
import { formatExact, t } from "../i18n.js";
import { formatJson } from "../json.js";
import { html, useEffect, useRef } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { JsonCode } from "../widgets/json_code.js";
import { Way, kindOf, milliseconds, sizeOf } from "./tools_message_rows.js";

/** What stands in place of a secret. */
const BLACKED = "•••";
/** What has a form to begin it from. */
const AGAIN = ["tools/call", "prompts/get", "resources/read"];
/** @typedef {import("./tools_message_stream.js").Message} Message */

/**
 * @param {{message: Message, messages: Message[], close: () => void, again: (method: string, params: any) => void}} props
 */
export function MessagePair({ message, messages, close, again }) {
  const title = useRef(/** @type {HTMLElement|null} */ (null));
  // On a phone it stands in the place of the list, and whoever reads on begins here.
  useEffect(() => {
    if (matchMedia("(max-width: 719px)").matches) title.current?.focus();
  }, []);
  const request = message.answers === null ? message : messages.find((one) => one.sequence === message.answers) || null;
  const answer = message.answers === null ? messages.find((one) => one.answers === message.sequence) || null : message;
  const took = answer?.took_ms ?? null;
  const asks = message.kind === "request" || message.answers !== null;
  const params = request?.message?.params;
  const method = request?.direction === "to_server" && typeof params === "object" && AGAIN.includes(request.method || "") ? request.method : null;
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") close();
  };
  return html`<section class="message-pair scroll" aria-labelledby="message-title" onKeyDown=${onKey}>
    <header class="row">
      <button class="btn only quiet phone-only" type="button" aria-label=${t("messages.to_list")} onClick=${close}><${Icon} name="left" /></button>
      <div class="grow min0"><h3 class="clip" id="message-title" tabindex="-1" ref=${title}>${message.method || t("messages.unknown")}${message.about && html` <b>${message.about}</b>`}</h3>
        <p class="tiny muted num">${formatExact(message.time)}${took !== null && `, ${milliseconds(took)}`}${message.person !== null && `, ${t("messages.person", { id: message.person })}`}</p></div>
      ${method && html`<button class="btn dense" type="button" disabled=${request?.cut} title=${request?.cut ? t("messages.again_cut") : undefined} onClick=${() => again(method, { ...params, arguments: given(params.arguments) })}><${Icon} name="play" />${t("messages.again")}</button>`}
      <button class="btn only quiet desk-only" type="button" aria-label=${t("messages.close")} title=${t("messages.close")} onClick=${close}><${Icon} name="close" /></button>
    </header>
    <div class="pair">
      ${request ? html`<${One} one=${request} />` : asks && html`<p class="small muted">${t("messages.no_request")}</p>`}
      ${answer && answer !== request ? html`<${One} one=${answer} />` : message.kind === "request" && html`<p class="small muted" role="status">${t("messages.no_answer")}</p>`}
    </div>
  </section>`;
}

/** @param {{one: Message}} props */
function One({ one }) {
  const label = t(kindOf(one));
  return html`<article class="stack one">
    <div class="row"><${Way} direction=${one.direction} /><h4>${label}</h4><span class="tiny muted num grow">${sizeOf(one)}</span><${CopyButton} text=${formatJson(one.message, 2)} label=${t("messages.copy")} /></div>
    ${one.cut && html`<p class="note"><span>${t("messages.cut")}</span></p>`}
    <${JsonCode} value=${one.message} label=${label} />
  </article>`;
}

/** The arguments to run it with once more; what was blacked out has to be typed. @param {any} values */
function given(values) {
  return Object.fromEntries(Object.entries(values || {}).filter(([, value]) => value !== BLACKED));
}
