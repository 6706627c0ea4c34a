// Copying, also where the browser offers no clipboard because the address is not https.
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/** @param {string} text @returns {Promise<boolean>} whether it was copied */
async function copyText(text) {
  if (navigator.clipboard && isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused, for example without focus: the old way below may still work.
    }
  }
  // Inside an open dialog everything outside is inert, so the helper has to stand in it.
  const home = document.querySelector("dialog[open]") || document.body;
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  area.setAttribute("aria-hidden", "true");
  home.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}

/** The element beside a button that shows exactly `text`, if there is one. @param {HTMLElement} button @param {string} text */
function shownBeside(button, text) {
  const near = button.parentElement?.querySelector("code, pre");
  return near?.textContent === text ? near : null;
}

/** @param {{text: string, label: string, dense?: boolean, words?: boolean}} props */
export function CopyButton({ text, label, dense = true, words = false }) {
  const [state, setState] = useState("");
  const copy = async (/** @type {any} */ event) => {
    const shown = shownBeside(event.currentTarget, text);
    if (await copyText(text)) {
      setState("done");
      setTimeout(() => setState(""), 2000);
      return;
    }
    // The browser lets nobody copy here: the text is put where a person can.
    if (shown) getSelection()?.selectAllChildren(shown);
    setState(shown ? "marked" : "failed");
  };
  const refused = state === "marked" || state === "failed";
  const said = refused ? t("copy.failed") : state ? t("copy.done") : label;
  return html`<button
    class=${`btn ${words ? "" : "only quiet"} ${dense ? "dense" : ""}`} type="button" onClick=${copy}
    aria-label=${words ? undefined : said} title=${words ? undefined : said}
  >
    <${Icon} name=${state === "done" ? "check" : "copy"} />${words && (refused ? label : said)}
  </button>
  ${state === "failed" && html`<textarea class="input" readonly rows="2" aria-label=${label} ref=${(/** @type {any} */ area) => area?.select()}>${text}</textarea>`}
  <span class=${refused ? "small" : "vh"} role="status">${state ? said : ""}</span>`;
}

/** A line of code with its copy button. @param {{text: string, label?: string}} props */
export function Copyable({ text, label }) {
  return html`<div class="copyable"><code>${text}</code><${CopyButton} text=${text} label=${label || t("copy.this")} /></div>`;
}
