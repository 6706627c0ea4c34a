// One thing out of a list that stays in sight: narrowed by words, walked by arrows, taken by Enter or a click.
import { t } from "../i18n.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";

/** So few are seen at once: no search is needed. */
const FEW = 5;

/** @typedef {{key: string, name: string, more?: string, words?: string}} Choice `more` stands beside the name; `words` is only searched */

/** @param {Choice} one @param {string} words */
function fits(one, words) {
  const text = `${one.name} ${one.more || ""} ${one.words || ""}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/**
 * @param {{id: string, label: string, groups: {name: string, choices: Choice[]}[], current: string, choose: (key: string) => void}} props
 * a group without a name has no heading
 */
export function Chooser({ id, label, groups, current, choose }) {
  const [words, setWords] = useState("");
  const [walked, setWalked] = useState(/** @type {string|null} */ (null));
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const all = groups.flatMap((group) => group.choices);
  const found = groups.map((group) => ({ ...group, choices: group.choices.filter((one) => fits(one, words.trim())) })).filter((group) => group.choices.length);
  const flat = found.flatMap((group) => group.choices);
  const at = flat.findIndex((one) => one.key === (walked ?? current));
  const searched = all.length > FEW;
  const idOf = (/** @type {Choice|undefined} */ one) => (one ? `${id}-option-${all.indexOf(one)}` : undefined);
  useEffect(() => {
    const box = list.current;
    const active = /** @type {HTMLElement|null} */ (box?.querySelector("[data-active]"));
    if (!box || !active) return;
    // Only the list moves, not the page around it.
    const from = active.offsetTop;
    if (from < box.scrollTop) box.scrollTop = from;
    else if (from + active.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = from + active.offsetHeight - box.clientHeight;
  }, [walked, current, words]);
  const take = (/** @type {Choice|undefined} */ one) => {
    setWalked(null);
    if (one && one.key !== current) choose(one.key);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) setWalked(flat[Math.min(flat.length - 1, Math.max(0, at + step))]?.key ?? null);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) take(flat[Math.max(0, at)]);
    else if (event.key === "Escape" && (words || walked !== null)) {
      setWords("");
      setWalked(null);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const active = idOf(flat[at]);
  return html`<div class="field chooser">
    <label for=${searched ? id : undefined} id=${`${id}-label`}>${label}${searched && html`<span class="type">${t("chooser.count", { n: flat.length, all: all.length })}</span>`}</label>
    ${searched && html`<input class="input" id=${id} type="search" role="combobox" aria-expanded="true" aria-autocomplete="list" aria-controls=${`${id}-list`} aria-activedescendant=${active} autocomplete="off" spellcheck=${false}
      placeholder=${t("chooser.search")} value=${words} onKeyDown=${onKey} onInput=${(/** @type {any} */ event) => {
        setWords(event.target.value);
        setWalked(null);
      }} />`}
    <div class="choices" ref=${list} id=${`${id}-list`} role="listbox" aria-labelledby=${`${id}-label`} tabindex=${searched ? -1 : 0} aria-activedescendant=${searched ? undefined : active} onKeyDown=${onKey}>
      ${found.map((group) => html`<div key=${group.name} role="group" aria-label=${group.name || label}>
        ${group.name && html`<p class="tiny muted" aria-hidden="true">${group.name}</p>`}
        ${group.choices.map((one) => html`<div key=${one.key} class="choice" id=${idOf(one)} role="option" aria-selected=${one.key === current ? "true" : "false"} data-active=${flat[at] === one ? "" : undefined}
          title=${one.more ? `${one.name} · ${one.more}` : one.name} onClick=${() => take(one)}><span class="mono clip">${one.name}</span>${one.more && html`<span class="muted clip grow">${one.more}</span>`}</div>`)}
      </div>`)}
      ${!flat.length && html`<p class="small muted none" role="status">${t("chooser.none", { words })}</p>`}
    </div>
  </div>`;
}
