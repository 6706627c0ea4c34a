// Tabs of one place: arrows move between them, the panel below belongs to the chosen one.
import { html, useEffect, useRef } from "../vendor/preact.js";

/** @param {{label: string, tabs: {name: string, label: string, count?: number|null}[], current: string, choose: (name: string) => void, panel: string}} props `panel` is the id of what they switch */
export function Tabs({ label, tabs, current, choose, panel }) {
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.name === current);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    choose(next.name);
    /** @type {HTMLElement|null|undefined} */ (box.current?.querySelector(`[data-tab="${next.name}"]`))?.focus();
  };
  useEffect(() => {
    /** @type {HTMLElement|null|undefined} */ (box.current?.querySelector("[aria-selected=true]"))?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return html`<div class="tabs" role="tablist" aria-label=${label} ref=${box} onKeyDown=${onKey}>
    ${tabs.map((tab) => html`<button
      key=${tab.name} type="button" role="tab" data-tab=${tab.name} aria-selected=${tab.name === current ? "true" : "false"}
      aria-controls=${panel} tabindex=${tab.name === current ? 0 : -1} onClick=${() => choose(tab.name)}
    >${tab.label}${tab.count !== null && tab.count !== undefined && html`<span class="count">${tab.count}</span>`}</button>`)}
  </div>`;
}
