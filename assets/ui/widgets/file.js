// A file that was uploaded: its name as a link to its bytes, its size, and a picture of it where it is one.
import { api } from "../api.js";
import { formatBytes, t } from "../i18n.js";
import { base } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/** @typedef {{id: number, name: string, content_type: string, size: number}} FileRow */

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"];
const PREVIEW_BYTES = 20 << 20;
/** @type {Map<number, FileRow>} */
const known = new Map();

/** @param {FileRow} row */
export function remember(row) {
  known.set(row.id, row);
}

/** What is known of a file; null while it is asked for, and where one may not know. @param {number|string} id @returns {FileRow|null} */
export function useFile(id) {
  const [, draw] = useState(0);
  useEffect(() => {
    if (id === "" || known.has(Number(id))) return;
    api.get(`/api/v1/files/${id}`).then(({ data }) => {
      remember(data);
      draw((n) => n + 1);
    }, () => {});
  }, [id]);
  return known.get(Number(id)) || null;
}

/** Pictures open in the browser, everything else is saved. @param {FileRow} file */
export function fileAddress(file) {
  return `${base}/api/v1/files/${file.id}/content${PICTURES.includes(file.content_type) ? "?inline=true" : ""}`;
}

/** @param {{file: FileRow|null, id: number}} props */
export function FileFace({ file, id }) {
  if (!file) return html`<${Icon} name="file" /><span class="mono clip">${t("file.number", { id })}</span>`;
  const address = fileAddress(file);
  const drawn = PICTURES.includes(file.content_type) && file.size <= PREVIEW_BYTES;
  return html`${drawn ? html`<img class="thumb" src=${address} alt="" loading="lazy" />` : html`<${Icon} name="file" />`}
    <span class="about">
      <a class="rel" href=${address} target="_blank" rel="noopener" title=${file.name}><span class="clip">${file.name}</span></a>
      <span class="tiny">${formatBytes(file.size)}</span>
    </span>`;
}
