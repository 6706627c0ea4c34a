// A text for which somebody knows what it may become: asked while one types, taken by arrows and Enter or a click.
import { t } from "../i18n.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

const PAUSE_MS = 220;

/**
 * @param {{id: string, value: string, set: (text: string) => void, ask: ((text: string, signal: AbortSignal) => Promise<string[]>)|null, common: any}} props
 * `ask`: null where nobody knows; `common`: attributes of the control
 */
export function CompletedInput({ id, value, set, ask, common }) {
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState(/** @type {string[]} */ ([]));
  const [at, setAt] = useState(-1);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    if (!open || !ask) return;
    const cancel = new AbortController();
    const timer = setTimeout(() => latest.current?.(value, cancel.signal).then((values) => {
      setFound(values.filter((one) => one !== value));
      setAt(-1);
    }, () => setFound([])), value ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      cancel.abort();
    };
  }, [open, value, !ask]);
  const shown = open && found.length > 0;
  const take = (/** @type {string} */ text) => {
    set(text);
    setFound([]);
    setOpen(false);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && !open) setOpen(true);
    else if (step && shown) setAt((now) => (now + step + found.length) % found.length);
    else if (event.key === "Enter" && shown && at >= 0 && !event.ctrlKey && !event.metaKey) take(found[at]);
    else if (event.key === "Escape" && shown) setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const list = `${id}-list`;
  return html`<div class="combo">
    <input class="input" id=${id} ...${common} role="combobox" aria-autocomplete="list" aria-expanded=${shown ? "true" : "false"} aria-controls=${list} aria-activedescendant=${shown && at >= 0 ? `${list}-${at}` : undefined}
      autocomplete="off" spellcheck=${false} value=${value} onKeyDown=${onKey} onFocus=${() => setOpen(true)} onBlur=${() => setOpen(false)}
      onInput=${(/** @type {any} */ event) => {
        set(event.target.value);
        setOpen(true);
      }} />
    <ul class="options" id=${list} role="listbox" aria-label=${t("completed.list")} hidden=${!shown}>
      ${found.map((one, index) => html`<li key=${one} id=${`${list}-${index}`} role="option" aria-selected=${index === at ? "true" : "false"}
        onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${() => take(one)}><span class="clip grow">${one}</span></li>`)}
    </ul>
  </div>`;
}
