// The palette: everything by its name, from every page.
import { t } from "../i18n.js";
import { go } from "../router.js";
import { COMMAND_KEY, paletteOpen } from "../shortcuts.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icon.js";
import { hitsFor, pieces, recordsFor, remember } from "./palette_hits.js";

/** @typedef {import("./palette_hits.js").Hit} Hit */

const PAUSE_MS = 150;
const GROUPS = ["recent", "pages", "models", "records", "commands"];
const LIST = "palette-hits";

export function Palette() {
  const [text, setText] = useState("");
  const [records, setRecords] = useState(/** @type {Hit[]} */ ([]));
  const [at, setAt] = useState(0);
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const asked = text.trim();
  const near = hitsFor(asked);
  useEffect(() => {
    setRecords([]);
    if (asked.length < 2) return;
    const ending = new AbortController();
    const timer = setTimeout(() => recordsFor(asked, ending.signal).then((found) => {
      if (ending.signal.aborted) return;
      setRecords(found);
      // Who has gone on by the arrows keeps what they came to, below the records that stand there now.
      const above = near.filter((hit) => hit.group !== "commands").length;
      setAt((now) => (now > 0 && now >= above ? now + found.length : now));
    }), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [asked]);
  const hits = GROUPS.flatMap((group) => (group === "records" ? records : near.filter((hit) => hit.group === group)));
  const chosen = Math.min(at, hits.length - 1);
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }), [chosen, hits.length]);
  const close = () => (paletteOpen.value = false);
  /** @param {Hit} hit @param {boolean} aside in a window of its own */
  const take = (hit, aside) => {
    remember(hit);
    close();
    if (hit.address && aside) open(hit.address, "_blank");
    else if (hit.address) go(hit.address);
    else hit.run?.();
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && hits.length) setAt((chosen + step + hits.length) % hits.length);
    else if (event.key === "Enter" && !event.isComposing && hits[chosen]) take(hits[chosen], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  };
  const type = (/** @type {any} */ event) => {
    setText(event.target.value);
    setAt(0);
  };
  return html`<${Dialog} label="palette-name" kind="palette" onClose=${close}>
    <h2 class="vh" id="palette-name">${t("palette.title")}</h2>
    <div class="ask"><${Icon} name="search" />
      <input type="text" role="combobox" aria-expanded="true" aria-controls=${LIST} aria-autocomplete="list" aria-label=${t("palette.title")} spellcheck="false" autocomplete="off"
        aria-activedescendant=${hits.length ? `hit-${chosen}` : undefined} placeholder=${t("palette.placeholder")} value=${text} onInput=${type} onKeyDown=${onKey} />
      <button class="btn quiet only" type="button" onClick=${close} aria-label=${t("do.close")}><${Icon} name="close" /></button>
    </div>
    <div class="hits" id=${LIST} role="listbox" aria-label=${t("palette.title")} ref=${list} tabindex="-1">
      ${GROUPS.map((group) => {
        const inside = hits.map((hit, index) => ({ hit, index })).filter((one) => one.hit.group === group);
        return inside.length > 0 && html`<div role="group" key=${group} aria-label=${t(`palette.${group}`)}>
          <p class="head" aria-hidden="true">${t(`palette.${group}`)}</p>
          ${inside.map(({ hit, index }) => html`<${Row} key=${hit.id} hit=${hit} index=${index} asked=${asked} chosen=${index === chosen} take=${take} />`)}
        </div>`;
      })}
      ${!hits.length && html`<p class="none">${t("palette.none", { text: asked })}</p>`}
    </div>
    <p class="vh" role="status">${asked && t("palette.found", { n: hits.length })}</p>
    <footer aria-hidden="true">
      <span><kbd>↑</kbd><kbd>↓</kbd>${t("palette.choose")}</span><span><kbd>↵</kbd>${t("palette.go")}</span><span><kbd>${COMMAND_KEY}</kbd><kbd>↵</kbd>${t("palette.aside")}</span>
      <span class="last"><kbd>?</kbd>${t("keys.title")}</span>
    </footer>
  <//>`;
}

/** @param {{hit: Hit, index: number, asked: string, chosen: boolean, take: (hit: Hit, aside: boolean) => void}} props */
function Row({ hit, index, asked, chosen, take }) {
  return html`<div class="hit" role="option" id=${`hit-${index}`} aria-selected=${chosen ? "true" : "false"} onClick=${(/** @type {MouseEvent} */ event) => take(hit, event.ctrlKey || event.metaKey)}>
    <${Icon} name=${hit.icon} />
    <span class="clip">${pieces(hit.label, asked).map((piece, odd) => (odd % 2 ? html`<mark>${piece}</mark>` : piece))}</span>
    ${hit.keys ? html`<span class="where desk-only">${hit.keys.map((key) => html`<kbd>${key}</kbd>`)}</span>` : hit.where && html`<span class="where">${hit.where}</span>`}
  </div>`;
}
