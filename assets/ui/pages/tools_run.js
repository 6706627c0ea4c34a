// Trying a tool: a form from its schema, the run, what came back, and earlier runs to take up again.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { formatJson, parseJson } from "../json.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { FieldError } from "../widgets/labelled.js";
import { SchemaForm } from "../widgets/schema_form.js";
import { argumentsFrom, asText, fieldsOf } from "../widgets/schema_values.js";
import { EarlierRuns } from "./tools_earlier.js";
import { Reply } from "./tools_reply.js";

/** @typedef {{values: any, result?: any, took?: number, error?: any, at: number}} Outcome */

/** @param {{server: any, tools: any[], tool: any, choose: (name: string) => void, given?: any}} props `given`: arguments to begin with */
export function ToolRun({ server, tools, tool, choose, given }) {
  const fields = useMemo(() => fieldsOf(tool.input_schema), [tool.input_schema]);
  const [texts, setTexts] = useState(() => textsOf(fields, given));
  const [raw, setRaw] = useState(/** @type {string|null} */ (fields.length ? null : formatJson(given || {}, 2)));
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);
  const [outcomes, setOutcomes] = useState(/** @type {Outcome[]} */ ([]));
  const outcome = outcomes[0] || null;
  const ended = (/** @type {Outcome} */ one) => setOutcomes((now) => [one, ...now]);
  const cancel = useRef(/** @type {AbortController|null} */ (null));
  const reply = useRef(/** @type {HTMLElement|null} */ (null));
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  useEffect(() => () => cancel.current?.abort(), []);
  // On a phone the answer stands below the form.
  useEffect(() => {
    if (outcome && matchMedia("(max-width: 1023px)").matches) reply.current?.scrollIntoView({ block: "start" });
  }, [outcome]);

  /** What is to be sent, or null when something is wrong, which is then said. */
  const wanted = () => {
    if (raw === null) {
      const { values, errors: wrong } = argumentsFrom(fields, texts);
      setErrors(wrong);
      return Object.keys(wrong).length ? null : values;
    }
    try {
      const value = parseJson(raw);
      if (value && typeof value === "object" && !Array.isArray(value)) return value;
    } catch {
      // Said below.
    }
    setErrors({ "": t("tools.no_object") });
    return null;
  };
  const run = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (busy) return;
    const values = wanted();
    if (!values) {
      requestAnimationFrame(() => /** @type {HTMLElement|null} */ (form.current?.querySelector("[aria-invalid=true]"))?.focus());
      return;
    }
    setErrors({});
    setBusy(true);
    cancel.current = new AbortController();
    try {
      const { data } = await api.post("/api/v1/gateway/call", { tool: tool.public_name, arguments: values }, { signal: cancel.current.signal });
      ended({ values, result: data.result, took: data.took_ms, at: Date.now() });
    } catch (error) {
      if (!cancel.current.signal.aborted) ended({ values, error, at: Date.now() });
    }
    setBusy(false);
  };
  const take = (/** @type {any} */ values) => {
    setErrors({});
    if (raw !== null) setRaw(formatJson(values, 2));
    else setTexts(textsOf(fields, values));
  };
  const asJson = () => {
    if (raw === null) setRaw(formatJson(argumentsFrom(fields, texts).values, 2));
    else {
      let values = {};
      try {
        values = parseJson(raw);
      } catch {
        return setErrors({ "": t("tools.no_object") });
      }
      setTexts(textsOf(fields, values));
      setRaw(null);
    }
    setErrors({});
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };
  return html`<div class="bench">
    <div class="ask-side scroll">
      <form class="form" ref=${form} onSubmit=${run} onKeyDown=${onKey} noValidate>
        <div class="field"><label for="tool-name">${t("tools.tool")}</label>
          <span class="select"><select class="input mono" id="tool-name" value=${tool.name} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
            ${tools.map((one) => html`<option key=${one.name} value=${one.name}>${one.title && one.title !== one.name ? `${one.name} · ${one.title}` : one.name}</option>`)}
          </select><${Icon} name="down" /></span>
          ${(tool.description || tool.title) && html`<p class="help pre">${tool.description || tool.title}</p>`}
          <${Hints} hints=${tool.annotations} /></div>
        ${raw === null
          ? html`<${SchemaForm} prefix="argument" fields=${fields} texts=${texts} errors=${errors} change=${(/** @type {string} */ name, /** @type {string} */ text) => setTexts((now) => ({ ...now, [name]: text }))} />`
          : html`<div class="field"><label for="raw-arguments">${t("tools.arguments")}<span class="type">JSON</span></label>
              <textarea class="input mono" id="raw-arguments" rows="8" spellcheck="false" value=${raw} aria-invalid=${errors[""] ? "true" : undefined} aria-describedby=${errors[""] ? "raw-arguments-error" : undefined}
                onInput=${(/** @type {any} */ event) => setRaw(event.target.value)}></textarea>
              ${errors[""] && html`<${FieldError} text=${errors[""]} id="raw-arguments-error" />`}</div>`}
        <div class="row wrap run-bar">
          <button class="btn primary" type="submit" disabled=${busy}><${Icon} name="play" />${t(busy ? "tools.running" : "tools.run")}</button>
          ${busy && html`<button class="btn" type="button" onClick=${() => cancel.current?.abort()}><${Icon} name="stop" />${t("tools.cancel")}</button>`}
          ${fields.length > 0 && !busy && html`<button class="btn quiet" type="button" onClick=${asJson}>${t(raw === null ? "tools.as_json" : "tools.as_form")}</button>`}
          <span class="grow"></span><kbd class="desk-only">${t("tools.run_keys")}</kbd>
        </div>
      </form>
      <${EarlierRuns} server=${server.name} tool=${tool.original_name} outcomes=${outcomes} take=${take} />
    </div>
    <div class="reply-side scroll" ref=${reply} aria-live="polite" aria-busy=${busy ? "true" : "false"}>
      ${outcome ? html`<${Reply} key=${outcome.at} outcome=${outcome} />` : html`<p class="small muted">${t("tools.not_run")}</p>`}
    </div>
  </div>`;
}

/** What stands in the fields for some arguments. @param {ReturnType<typeof fieldsOf>} fields @param {any} values @returns {Record<string, string>} */
function textsOf(fields, values) {
  return values ? Object.fromEntries(fields.map((field) => [field.name, asText(field, values[field.name])])) : {};
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
