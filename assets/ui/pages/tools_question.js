// What a server asks in the middle of a call: answered by the person at this page, and the call goes on.
import { t } from "../i18n.js";
import { formatJson } from "../json.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { JsonCode } from "../widgets/json_code.js";
import { Labelled, describedBy } from "../widgets/labelled.js";
import { Either, Turn, useEither } from "../widgets/schema_either.js";
import { asText, fieldsOf } from "../widgets/schema_values.js";

/**
 * @typedef {{id: string, method: string, params: any}} Question
 * @typedef {{questions: Question[], answer: (answers: Record<string, any>) => void, end: () => void}} Asked
 */

/** All that a call waits for; it goes on when each is answered. @param {{asked: Asked, server: string}} props */
export function Questions({ asked, server }) {
  const [answers, setAnswers] = useState(/** @type {Record<string, any>} */ ({}));
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const open = asked.questions.filter((one) => !Object.hasOwn(answers, one.id));
  useEffect(() => {
    /** @type {HTMLElement|null|undefined} */ (box.current?.querySelector("input, textarea, select, a, button"))?.focus();
  }, [open.length]);
  const answered = (/** @type {string} */ id, /** @type {any} */ answer) => {
    const all = { ...answers, [id]: answer };
    setAnswers(all);
    if (asked.questions.every((one) => Object.hasOwn(all, one.id))) asked.answer(all);
  };
  return html`<div class="stack" ref=${box}>
    ${open.map((one) => html`<section key=${one.id} class="asked" aria-label=${t("question.heading", { server })}>
      <h3 class="small strong row"><${Icon} name="alert" size=${16} />${t("question.heading", { server })}</h3>
      <p class="small muted">${t("question.care", { server })}</p>
      <${One} question=${one} answered=${(/** @type {any} */ answer) => answered(one.id, answer)} end=${asked.end} />
    </section>`)}
  </div>`;
}

/** @param {{question: Question, answered: (answer: any) => void, end: () => void}} props */
function One({ question, answered, end }) {
  const { method, params } = question;
  if (method === "sampling/createMessage") return html`<${Sampling} question=${question} answered=${answered} end=${end} />`;
  if (method === "elicitation/create" && params.mode === "url") return html`<${Page} question=${question} answered=${answered} />`;
  if (method === "elicitation/create") return html`<${Elicitation} question=${question} answered=${answered} />`;
  return html`<p class="small">${t("question.unknown", { method })}</p><${JsonCode} value=${params} label=${method} />
    <div><button class="btn" type="button" onClick=${end}>${t("question.end")}</button></div>`;
}

/** @param {{question: Question, answered: (answer: any) => void}} props */
function Elicitation({ question, answered }) {
  const { message, requestedSchema } = question.params;
  const fields = useMemo(() => fieldsOf(requestedSchema), [requestedSchema]);
  // What the server proposes is sent when it is left as it is.
  const either = useEither(fields, () => ({ texts: Object.fromEntries(fields.map((field) => [field.name, asText(field, field.nothing ?? undefined)])), raw: null }));
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    const content = either.read({ strict: true });
    if (content) answered({ action: "accept", content });
  };
  return html`<form class="form" ref=${either.form} onSubmit=${send} noValidate>
    <p class="pre">${message}</p>
    <${Either} titled either=${either} prefix=${`asked-${question.id}`} id=${`asked-${question.id}-raw`} label=${t("question.answer")} />
    <${Deeds} verb=${t("question.send")} answered=${answered}><${Turn} either=${either} /><//>
  </form>`;
}

/** A page that the server wants opened: where it leads is said first. @param {{question: Question, answered: (answer: any) => void}} props */
function Page({ question, answered }) {
  const { message, url } = question.params;
  let host = "";
  try {
    const found = new URL(String(url));
    if (found.protocol === "https:" || found.protocol === "http:") host = found.host;
  } catch {
    // It is no address: there is nothing to open.
  }
  const opened = (/** @type {Event} */ event) => {
    event.preventDefault();
    answered({ action: "accept" });
  };
  return html`<form class="form" onSubmit=${opened}>
    <p class="pre">${message}</p>
    <p class="small"><code>${url}</code></p>
    ${host && html`<div><a class="btn" href=${url} target="_blank" rel="noopener noreferrer"><${Icon} name="globe" />${t("question.open", { host })}</a></div>`}
    <${Deeds} verb=${t("question.opened")} answered=${answered} />
  </form>`;
}

/** @param {{verb: string, answered: (answer: any) => void, children?: any}} props */
function Deeds({ verb, answered, children }) {
  return html`<div class="row wrap">
    <button class="btn primary" type="submit">${verb}</button>
    <button class="btn" type="button" onClick=${() => answered({ action: "decline" })}>${t("question.decline")}</button>
    <button class="btn quiet" type="button" onClick=${() => answered({ action: "cancel" })}>${t("question.later")}</button>
    ${children}
  </div>`;
}

/** The server wants words of a model: a person writes them. @param {{question: Question, answered: (answer: any) => void, end: () => void}} props */
function Sampling({ question, answered, end }) {
  const { messages = [], systemPrompt, maxTokens } = question.params;
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const id = `asked-${question.id}-0`;
  const help = t("question.sampling_help", { n: maxTokens ?? "?" });
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (text.trim()) return answered({ role: "assistant", content: { type: "text", text }, model: "a person", stopReason: "endTurn" });
    setError(t("schema.needed"));
    document.getElementById(id)?.focus();
  };
  const said = (/** @type {any} */ content) => (content?.type === "text" ? content.text : formatJson(content, 2));
  return html`<form class="form" onSubmit=${send} noValidate>
    ${systemPrompt && html`<div><p class="tiny muted">${t("question.system")}</p><pre class="code wrap" tabindex="0" role="region" aria-label=${t("question.system")}>${systemPrompt}</pre></div>`}
    ${messages.map((/** @type {any} */ one, /** @type {number} */ at) => html`<div key=${at}><p class="tiny muted">${one.role}</p><pre class="code wrap" tabindex="0" role="region" aria-label=${one.role}>${said(one.content)}</pre></div>`)}
    <${Labelled} id=${id} label=${t("question.answer")} need=${true} help=${help} error=${error}>
      <textarea class="input" id=${id} rows="4" value=${text} aria-invalid=${error ? "true" : undefined} aria-describedby=${describedBy(id, help, error)} onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea>
    <//>
    <div class="row wrap"><button class="btn primary" type="submit">${t("question.send")}</button>
      <button class="btn" type="button" onClick=${end}>${t("question.end")}</button></div>
  </form>`;
}
