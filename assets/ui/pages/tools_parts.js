// The parts of an answer that are no text alone: pictures are drawn, files are saved, resources are named.
import { formatBytes, t } from "../i18n.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";

/** @param {any} part @returns {{bytes: string, type: string, name: string}|null} what is no text of it, in base64 */
function fileOf(part) {
  const found = part.type === "resource" ? part.resource : part;
  const bytes = part.type === "resource" ? found?.blob : part.data;
  if (typeof bytes !== "string") return null;
  const type = found.mimeType || "application/octet-stream";
  const last = String(found.uri || "").split(/[/?#]/).filter(Boolean).pop();
  return { bytes, type, name: last || `${part.type}.${type.split("/")[1]?.split(/[+;]/)[0] || "bin"}` };
}

/** Whether it is shown best part by part. @param {any[]} parts */
export const isMixed = (parts) => parts.some((part) => part.type === "resource_link" || fileOf(part));

/** @param {{parts: any[], told: (part: any) => string}} props `told`: the words of a part */
export function Parts({ parts, told }) {
  return html`<div class="stack">${parts.map((part, at) => {
    const file = fileOf(part);
    if (file) return html`<${File} key=${at} ...${file} />`;
    if (part.type === "resource_link") return html`<p class="small" key=${at}><${Icon} name="link" size=${14} /> <code>${part.uri}</code> ${part.title || part.name} ${part.description && html`<span class="muted">${part.description}</span>`}</p>`;
    return html`<pre class="code wrap" key=${at} tabindex="0" role="region" aria-label=${t("tools.result")}>${told(part)}</pre>`;
  })}</div>`;
}

/** @param {{bytes: string, type: string, name: string}} props */
function File({ bytes, type, name }) {
  const blob = useMemo(() => {
    try {
      return new Blob([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], { type });
    } catch {
      return null;
    }
  }, [bytes, type]);
  if (!blob) return html`<p class="small muted">${t("tools.part_broken", { type })}</p>`;
  const save = () => {
    // It is saved, never opened: what a server sends is not to run as a page of ours.
    const address = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  };
  return html`<figure class="stack part">
    ${type.startsWith("image/") && html`<${Picture} blob=${blob} name=${name} />`}
    <figcaption class="row wrap small"><code>${name}</code><span class="muted">${type}, ${formatBytes(blob.size)}</span>
      <button class="btn dense" type="button" onClick=${save}><${Icon} name="download" />${t("tools.save_part")}</button></figcaption>
  </figure>`;
}

/** Drawn from its bytes: it needs no address, which the rules of the page would not let it have. @param {{blob: Blob, name: string}} props */
function Picture({ blob, name }) {
  const canvas = useRef(/** @type {HTMLCanvasElement|null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let here = true;
    createImageBitmap(blob).then((picture) => {
      if (!here || !canvas.current) return;
      canvas.current.width = picture.width;
      canvas.current.height = picture.height;
      canvas.current.getContext("2d")?.drawImage(picture, 0, 0);
      picture.close();
    }, () => here && setFailed(true));
    return () => {
      here = false;
    };
  }, [blob]);
  if (failed) return null;
  return html`<canvas ref=${canvas} role="img" aria-label=${t("tools.picture", { name })} width="1" height="1"></canvas>`;
}
