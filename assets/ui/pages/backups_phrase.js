// The recovery phrase: shown once, typed back, and from then on what opens the secrets of every backup.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { CopyButton } from "../widgets/copy.js";
import { Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { Labelled } from "../widgets/labelled.js";
import { Trouble, sentence } from "../widgets/trouble.js";

/** @param {{first: boolean, close: () => void, kept: () => void, skip: (() => void)|null}} props `skip` makes the backup without one */
export function PhraseDialog({ first, close, kept, skip }) {
  const [phrase, setPhrase] = useState("");
  const [written, setWritten] = useState(false);
  const [typed, setTyped] = useState("");
  const [error, setError] = useState("");
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [busy, once] = useBusy();
  const propose = () => once(async () => {
    setProblem(null);
    try {
      setPhrase((await api.post("/api/v1/backups/recovery-phrase")).data.phrase);
    } catch (failed) {
      setProblem(failed);
    }
  });
  useEffect(() => {
    if (first) propose();
  }, []);
  const field = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => field.current?.focus(), [written]);
  const confirm = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    setError("");
    try {
      await api.post("/api/v1/backups/recovery-phrase/confirm", { phrase: typed });
      kept();
    } catch (/** @type {any} */ failed) {
      setError(failed.fields?.phrase?.message || sentence(failed));
    }
  };
  const words = phrase.split(" ");
  return html`<${Dialog} label="phrase-title" onClose=${close}>
    <h2 id="phrase-title">${t(first ? "phrase.title" : "phrase.new")}</h2>
    ${problem && html`<${Trouble} error=${problem} what=${t("phrase.error")} retry=${propose} />`}
    ${!phrase && !problem && html`<p>${t(first ? "loading" : "phrase.replaces")}</p>
      ${!first && html`<footer><button class="btn" type="button" onClick=${close}>${t("phrase.keep_old")}</button>
        <button class="btn primary" type="button" disabled=${busy} onClick=${propose}>${t("phrase.show")}</button></footer>`}`}
    ${phrase && !written && html`<p>${t("phrase.words")}</p>
      <ol class="phrase">${words.map((word, at) => html`<li key=${at}><span class="count" aria-hidden="true">${at + 1}</span>${word}</li>`)}</ol>
      <p class="note"><${Icon} name="info" /><span>${t("phrase.where")}</span></p>
      <footer>
        ${skip && html`<button class="btn quiet" type="button" onClick=${skip}>${t("phrase.skip")}</button>`}
        <${CopyButton} text=${phrase} label=${t("phrase.copy")} words dense=${false} />
        <button class="btn primary" type="button" onClick=${() => setWritten(true)}>${t("phrase.written")}</button>
      </footer>`}
    ${phrase && written && html`<form class="form" onSubmit=${confirm} novalidate>
      <${Labelled} id="phrase-typed" label=${t("phrase.type")} help=${t("phrase.type_help")} error=${error}>
        <textarea class="input mono" id="phrase-typed" ref=${field} rows="3" autocomplete="off" autocapitalize="none" spellcheck="false" value=${typed}
          aria-invalid=${error ? "true" : undefined} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)}></textarea>
      <//>
      <footer>
        <button class="btn" type="button" onClick=${() => setWritten(false)}>${t("phrase.again")}</button>
        <button class="btn primary" type="submit" disabled=${busy || typed.trim().split(/\s+/).length < words.length}>${t("phrase.confirm")}</button>
      </footer>
    </form>`}
  <//>`;
}
