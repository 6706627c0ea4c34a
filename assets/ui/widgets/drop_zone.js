// A place for a file: dropped on it, chosen, or pasted as text.
import { t } from "../i18n.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { useUnsaved } from "./unsaved.js";

/** @param {{id: string, words: string, accept: string, paste?: boolean, onFile: (file: File) => void}} props */
export function DropZone({ id, words, accept, paste = false, onFile }) {
  const [over, setOver] = useState(false);
  const [pasting, setPasting] = useState(false);
  const [text, setText] = useState("");
  useUnsaved(pasting && text.trim() !== "");
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  const take = (/** @type {FileList|null|undefined} */ files) => files?.[0] && onFile(files[0]);
  const drag = (/** @type {boolean} */ on) => (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    setOver(on);
  };
  const drop = (/** @type {DragEvent} */ event) => {
    drag(false)(event);
    take(event.dataTransfer?.files);
  };
  if (pasting) {
    return html`<div class="field">
      <label for=${`${id}-text`}>${t("drop.pasted")}</label>
      <textarea class="input mono" id=${`${id}-text`} rows="8" spellcheck="false" placeholder=${"title;year\nMomo;1973"} value=${text}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea>
      <div class="row">
        <button class="btn" type="button" disabled=${!text.trim()} onClick=${() => onFile(new File([text], t("drop.pasted_name")))}>${t("drop.use_text")}</button>
        <button class="btn quiet" type="button" onClick=${() => setPasting(false)}>${t("do.cancel")}</button>
      </div>
    </div>`;
  }
  return html`<div class=${`drop ${over ? "over" : ""}`} onDragOver=${drag(true)} onDragEnter=${drag(true)} onDragLeave=${drag(false)} onDrop=${drop}>
    <${Icon} name="upload" size=${20} />
    <p>${words}</p>
    <div class="row wrap">
      <input class="vh" type="file" id=${id} accept=${accept} tabindex="-1" aria-hidden="true" ref=${input}
        onChange=${(/** @type {any} */ event) => {
          take(event.target.files);
          event.target.value = "";
        }} />
      <button class="btn" type="button" onClick=${() => input.current?.click()}>${t("drop.choose")}</button>
      ${paste && html`<button class="btn quiet" type="button" onClick=${() => setPasting(true)}>${t("drop.paste")}</button>`}
    </div>
  </div>`;
}
