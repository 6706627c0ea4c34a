// Trying a tool: a form from its schema, the run, what came back, and earlier runs to take up again.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { formatJson } from "../json.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Chooser } from "../widgets/chooser.js";
import { Icon } from "../widgets/icon.js";
import { Either, Turn, textsOf, useEither } from "../widgets/schema_either.js";
import { fieldsOf } from "../widgets/schema_values.js";
import { own } from "../widgets/words.js";
import { EarlierRuns } from "./tools_earlier.js";
import { Questions } from "./tools_question.js";
import { Reply } from "./tools_reply.js";

/** @typedef {{values: any, result?: any, took?: number, error?: any, at: number}} Outcome */

/** @typedef {import("../widgets/schema_either.js").Draft} Draft */

/** @param {{server: any, tools: any[], tool: any, choose: (name: string) => void, given?: any}} props `given`: arguments to begin with */
export function ToolRun({ server, tools, tool, choose, given }) {
  // Of each tool: who goes to another one and back finds what they typed and what came back.
  const [outcomes, setOutcomes] = useState(/** @type {Record<string, Outcome[]>} */ ({}));
  // Without a prototype: a tool may be called `__proto__`.
  const drafts = useRef(/** @type {Record<string, Draft>} */ (Object.create(null)));
  const runs = own(outcomes, tool.name) || [];
  const [asked, setAsked] = useState(/** @type {import("./tools_question.js").Asked|null} */ (null));
  const reply = useRef(/** @type {HTMLElement|null} */ (null));
  // On a phone the answer stands below the form.
  useEffect(() => {
    if ((runs[0] || asked) && matchMedia("(max-width: 1023px)").matches) reply.current?.scrollIntoView({ block: "start" });
  }, [runs[0], asked]);
  const choices = tools.map((one) => ({ key: one.name, name: one.name, more: one.title && one.title !== one.name ? one.title : undefined, words: one.description || "" }));
  return html`<div class="bench">
    <div class="ask-side scroll">
      <${Chooser} id="tool-name" label=${t("tools.tool")} groups=${[{ name: "", choices }]} current=${tool.name} choose=${choose} />
      <${Ask} key=${tool.name} server=${server} tool=${tool} given=${given} drafts=${drafts.current} outcomes=${runs} ask=${setAsked}
        ended=${(/** @type {Outcome} */ one) => setOutcomes((now) => ({ ...now, [tool.name]: [one, ...(own(now, tool.name) || [])] }))} />
    </div>
    <div class="reply-side scroll" ref=${reply} aria-live="polite">
      ${asked ? html`<${Questions} key=${asked.questions[0]?.id} asked=${asked} server=${server.name} />`
        : runs[0] ? html`<${Reply} key=${runs[0].at} outcome=${runs[0]} />` : html`<p class="small muted">${t("tools.not_run")}</p>`}
    </div>
  </div>`;
}

/** @param {{server: any, tool: any, given?: any, drafts: Record<string, Draft>, outcomes: Outcome[], ended: (outcome: Outcome) => void, ask: (asked: import("./tools_question.js").Asked|null) => void}} props */
function Ask({ server, tool, given, drafts, outcomes, ended, ask }) {
  const fields = useMemo(() => fieldsOf(tool.input_schema), [tool.input_schema]);
  const either = useEither(fields, () => drafts[tool.name] || { texts: textsOf(fields, given), raw: fields.length ? null : formatJson(given || {}, 2) });
  const { form, texts, raw } = either;
  const [busy, setBusy] = useState(false);
  const cancel = useRef(/** @type {AbortController|null} */ (null));
  useEffect(() => {
    drafts[tool.name] = { texts, raw };
  }, [texts, raw]);
  useEffect(() => () => cancel.current?.abort(), []);

  const run = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy) return;
    const values = either.read();
    if (!values) return;
    setBusy(true);
    const stop = cancel.current = new AbortController();
    try {
      const data = await called(tool.public_name, values, stop, ask);
      ended({ values, result: data.result, took: data.took_ms, at: Date.now() });
    } catch (error) {
      if (!stop.signal.aborted) ended({ values, error, at: Date.now() });
    }
    setBusy(false);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };
  return html`<form class="form" ref=${form} onSubmit=${run} onKeyDown=${onKey} noValidate>
    ${(tool.description || tool.title || tool.annotations) && html`<div class="field">
      ${(tool.description || tool.title) && html`<p class="help pre">${tool.description || tool.title}</p>`}
      <${Hints} hints=${tool.annotations} /></div>`}
    <${Either} either=${either} prefix="argument" id="raw-arguments" label=${t("tools.arguments")} />
    <div class="row wrap run-bar">
      <button class="btn primary" type="submit" disabled=${busy}><${Icon} name="play" />${t(busy ? "tools.running" : "tools.run")}</button>
      ${busy && html`<button class="btn" type="button" onClick=${() => cancel.current?.abort()}><${Icon} name="stop" />${t("tools.cancel")}</button>`}
      ${!busy && html`<${Turn} either=${either} />`}
      <span class="grow"></span><kbd class="desk-only">${t("tools.run_keys")}</kbd>
    </div>
  </form>
  <${EarlierRuns} server=${server.name} tool=${tool.original_name} outcomes=${outcomes} take=${either.take} />`;
}

/**
 * One call, with what its server asks meanwhile.
 * @param {string} tool @param {any} values @param {AbortController} stop ends it
 * @param {(asked: import("./tools_question.js").Asked|null) => void} ask shows the questions; null: none
 * @returns {Promise<{result: any, took_ms: number}>}
 */
async function called(tool, values, stop, ask) {
  const { signal } = stop;
  let { data } = await api.post("/api/v1/gateway/call", { tool, arguments: values, takes_questions: true }, { signal });
  while (data.asked) {
    const { call, questions } = data.asked;
    const at = `/api/v1/gateway/calls/${call}`;
    try {
      const answers = await new Promise((answer, fail) => {
        signal.addEventListener("abort", () => fail(signal.reason));
        ask({ questions, answer, end: () => stop.abort() });
      });
      data = (await api.post(`${at}/answers`, { answers }, { signal })).data;
    } catch (error) {
      // Nobody waits for it any more.
      if (signal.aborted) api.delete(at).catch(() => {});
      throw error;
    } finally {
      ask(null);
    }
  }
  return data;
}

/** What the server says of its tool; it is a hint, not a promise. @param {{hints: any}} props */
function Hints({ hints }) {
  const said = [
    hints.readOnlyHint === true && ["eye", "tools.reads_only"],
    hints.readOnlyHint !== true && hints.destructiveHint === true && ["alert", "tools.destroys"],
    hints.openWorldHint === true && ["globe", "tools.open_world"],
  ].filter(Boolean);
  return said.length > 0 && html`<p class="row wrap hints">${said.map((one) => html`<span class="tag" key=${/** @type {string[]} */ (one)[0]}><${Icon} name=${/** @type {string[]} */ (one)[0]} size=${14} />${t(/** @type {string[]} */ (one)[1])}</span>`)}</p>`;
}
