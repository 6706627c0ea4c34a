// A question before something that can't be undone, and other short dialogs. One at a time.
import { t } from "../i18n.js";
import { html, signal, useEffect, useRef } from "../vendor/preact.js";

/** @typedef {{heading: string, words: string, verb: string, stay?: string, danger?: boolean}} Question */

/** @type {import("../types").Signal<null|(Question & {answer: (yes: boolean) => void})>} */
const asked = signal(null);

/** @param {Question} question @returns {Promise<boolean>} */
export function confirm(question) {
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer: (yes) => {
        asked.value = null;
        resolve(yes);
      },
    };
  });
}

/** @param {{label: string, kind?: string, onClose: () => void, children: any}} props `label` is the id of the heading inside, `kind` its classes */
export function Dialog({ label, kind = "dialog", onClose, children }) {
  const box = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useEffect(() => {
    const dialog = box.current;
    const before = document.activeElement;
    dialog?.showModal();
    // What has the focus may stand at the end: it is read from the beginning.
    if (dialog) dialog.scrollTop = 0;
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const cancel = (/** @type {Event} */ event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog class=${kind} ref=${box} aria-labelledby=${label} onCancel=${cancel}>${children}</dialog>`;
}

export function Questions() {
  const question = asked.value;
  if (!question) return null;
  const { heading, words, verb, stay, danger, answer } = question;
  return html`<${Dialog} label="question" onClose=${() => answer(false)}>
    <h2 id="question">${heading}</h2>
    <p>${words}</p>
    <footer>
      <button class="btn" type="button" onClick=${() => answer(false)}>${stay || t("do.cancel")}</button>
      <button class=${`btn ${danger ? "danger" : "primary"}`} type="button" onClick=${() => answer(true)}>${verb}</button>
    </footer>
  <//>`;
}
