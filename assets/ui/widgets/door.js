// The frame of the pages before one is in: a card on squared paper, and where one stands below it.
import { t } from "../i18n.js";
import { away, base } from "../store.js";
import { html } from "../vendor/preact.js";
import { Mark, State } from "./icon.js";

/** @param {{heading: string, words: string, children: any, outward?: boolean}} props `outward`: something may leave this computer */
export function Door({ heading, words, children, outward = false }) {
  document.title = `${heading} · GridBear`;
  return html`<div class="door">
    <main>
      <${Mark} />
      <div><h1>${heading}</h1><p class="soft">${words}</p></div>
      ${children}
    </main>
    <footer>
      <${State} kind=${away.value ? "warn" : "ok"}>${away.value ? t("away.short") : t("server.running")}<//>
      <span class="mono tiny">${location.origin}${base}</span>
      ${!outward && html`<span>${t("door.promise")}</span>`}
    </footer>
  </div>`;
}
