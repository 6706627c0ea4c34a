// The foot of a grid: where one is, the request that made it, the neighbours.
import { curl } from "../curl.js";
import { formatNumber, t } from "../i18n.js";
import { base } from "../store.js";
import { html } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";

/** @param {{path: string, search: string, page: any, former: boolean, offset: number, size: number, move: (changes: Record<string, string|null>) => void}} props `former`: the rows that are there are not yet those of `offset` */
export function Foot({ path, search, page, former, offset, size, move }) {
  const shown = page.data?.data.length || 0;
  const count = page.data?.count;
  const last = count === null || count === undefined ? shown < size : offset + shown >= count;
  const to = (/** @type {number} */ next) => move({ offset: next > 0 ? String(next) : null });
  return html`<footer class="grid-foot">
    <span>${former ? t("loading") : shown ? t("data.range", { from: formatNumber(offset + 1), to: formatNumber(offset + shown), all: count === null ? "?" : formatNumber(count) }) : t("data.range_none")}</span>
    <code class="clip grow desk-only">GET ${base}${path}?${decodeURIComponent(search)}</code>
    <span class="desk-only row"><${CopyButton} text=${curl(`${path}?${search}`)} label=${t("data.copy_request")} /></span>
    <span class="row pager">
      <button class="btn only quiet dense" type="button" aria-label=${t("data.previous")} title=${t("data.previous")}
        disabled=${offset === 0} onClick=${() => to(offset - size)}><${Icon} name="left" /></button>
      <button class="btn only quiet dense" type="button" aria-label=${t("data.next")} title=${t("data.next")}
        disabled=${last} onClick=${() => to(offset + size)}><${Icon} name="right" /></button>
    </span>
  </footer>`;
}
