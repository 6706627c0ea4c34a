// A question before something that can't be undone, and other short dialogs. One at a time.
import { t } from "../i18n.js";
import { holdBack, route } from "../router.js";
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

/** Whether what was typed may go. @returns {Promise<boolean>} */
export const askToDiscard = () =>
  confirm({ heading: t("form.discard_ask"), words: t("form.discard_words"), verb: t("form.discard"), stay: t("form.keep_editing"), danger: true });

/** @param {any} control */
const valueOf = (control) => (control.type === "checkbox" || control.type === "radio" ? control.checked : control.value);

/** What is said to be wrong, in a place. @param {Element|null} place @returns {Map<Element, string|null>} */
export const troublesIn = (place) => new Map([...(place?.querySelectorAll("[role=alert]") || [])].map((one) => [one, one.textContent]));

/** Whether what was sent was refused since: `before` is what was said then. @param {Element|null} place @param {Map<Element, string|null>} before */
export const isRefused = (place, before) => [...troublesIn(place)].some(([one, words]) => before.get(one) !== words);

/**
 * @param {{label: string, kind?: string, held?: boolean, onClose: () => void, children: any}} props `label` is the id of the heading inside, `kind` its classes;
 * `held`: Esc and Cancel ask first when something in its form is not as a person found it
 */
export function Dialog({ label, kind = "dialog", held = true, onClose, children }) {
  const found = useRef(/** @type {Map<any, any>} */ (new Map()));
  const come = (/** @type {any} */ { target }) => {
    if (held && target.form && "value" in target && !found.current.has(target)) found.current.set(target, valueOf(target));
  };
  const changed = () => [...found.current].some(([control, value]) => control.isConnected && valueOf(control) !== value);
  const sent = useRef(/** @type {Map<Element, string|null>|null} */ (null));
  const box = useRef(/** @type {HTMLDialogElement|null} */ (null));
  // It is about the page that it was opened on.
  const { path } = route.value;
  const opened = useRef(path);
  useEffect(() => {
    if (path !== opened.current) onClose();
  }, [path]);
  useEffect(() => {
    const dialog = box.current;
    const before = document.activeElement;
    dialog?.showModal();
    // What has the focus may stand at the end: it is read from the beginning.
    if (dialog) dialog.scrollTop = 0;
    // What was sent and refused is as unsaved as before.
    const unsent = () => !sent.current || isRefused(dialog, sent.current);
    const stay = holdBack({ loses: (to) => to.path !== opened.current && unsent() && changed(), ask: askToDiscard });
    return () => {
      stay();
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const cancel = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!changed() || (await askToDiscard())) onClose();
  };
  return html`<dialog class=${kind} ref=${box} aria-labelledby=${label} onCancel=${cancel} onfocusin=${come}
    onInput=${() => (sent.current = null)} onSubmit=${() => (sent.current = troublesIn(box.current))}>${children}</dialog>`;
}

/** Leaves the dialog that it is in, as Esc does. */
export function Cancel() {
  const leave = (/** @type {any} */ { currentTarget }) => currentTarget.closest("dialog").dispatchEvent(new Event("cancel", { cancelable: true }));
  return html`<button class="btn" type="button" onClick=${leave}>${t("do.cancel")}</button>`;
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
