// The head of a model's page: what it is, the one thing to do, and a menu of what else can be done with all of it.
import { t } from "../i18n.js";
import { href } from "../router.js";
import { base, isAdmin, may } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { withCode } from "../widgets/labelled.js";
import { later } from "../widgets/later.js";
import { PlacedMenu } from "../widgets/menu.js";
import { useTrail } from "../widgets/trail.js";
import { inSentence } from "../widgets/words.js";
import { filterQuery, sortOf } from "./data_query.js";

const InviteDialog = later(() => import("./people_links.js").then((found) => found.InviteDialog));
const FORMATS = ["csv", "json", "jsonl"];

/** @param {{model: import("../types").Model, query: URLSearchParams, add: () => void, empty: boolean}} props where it is empty, the button stands in the middle */
export function DataHead({ model, query, add, empty }) {
  return html`<header class="page-head">
    <div class="say"><h1>${model.label_plural}</h1><p class="clip" title=${model.description}>${withCode(model.description || "")}</p></div>
    <div class="do">
      <${MoreMenu} model=${model} query=${query} />
      ${may(model, "create") && !empty && html`<button class="btn primary" type="button" onClick=${add} data-row="new" aria-keyshortcuts="n">
        <${Icon} name="plus" /><span class="clip">${t("data.add", { name: inSentence(model.label) })}</span>
      </button>`}
    </div>
  </header>`;
}

/** The address of an export of what the grid shows. @param {import("../types").Model} model @param {URLSearchParams} filters @param {string} format @param {string} [sort] */
export function exportAddress(model, filters, format, sort = "") {
  const search = new URLSearchParams(filters);
  search.set("format", format);
  if (sort) search.set("sort", sort);
  return `${base}/api/v1/${model.name}/export?${search}`;
}

/** @param {{model: import("../types").Model, query: URLSearchParams}} props */
function MoreMenu({ model, query }) {
  const filters = filterQuery(query);
  const [inviting, invite] = useState(false);
  return html`<${PlacedMenu} id="model-menu" label=${t("data.more", { name: inSentence(model.label_plural) })} className="btn only" button=${html`<${Icon} name="more" />`}>
    <ul>
      ${isAdmin() && model.name === "users" && html`<li><button type="button" onClick=${() => invite(true)}><${Icon} name="mail" />${t("invite.title")}</button></li>`}
      ${FORMATS.map((format) => html`<li key=${format}><a href=${exportAddress(model, filters, format, sortOf(query))} download>
        <${Icon} name="download" />${t(filters.size ? `data.export_filtered_${format}` : `data.export_${format}`)}</a></li>`)}
      ${may(model, "create") && html`<li><a href=${href(`/data/${model.name}/import`)}><${Icon} name="upload" />${t("data.import")}</a></li>`}
      ${isAdmin() && model.made_here && html`<li><a href=${href(`/data/${model.name}/design`)}><${Icon} name="edit" />${t("data.design")}</a></li>`}
      ${model.history && html`<li><a href=${href(`/data/${model.name}/deleted`)}><${Icon} name="trash" />${t("data.deleted_records")}</a></li>`}
      ${isAdmin() && html`<li><a href=${href(`/data/${model.name}/access`)}><${Icon} name="shield" />${t("data.access")}</a></li>`}
      <li><a href=${`${base}/api/docs#/${model.name}`} target="_blank"><${Icon} name="code" />${t("data.api_docs")}</a></li>
    </ul>
  <//>
  ${inviting && html`<${InviteDialog} close=${() => invite(false)} />`}`;
}

/** The head of a part of a model's page, with the way back to its rows. @param {{model: import("../types").Model, heading: string, words: string, children?: any}} props */
export function PartHead({ model, heading, words, children }) {
  useTrail(heading, true);
  return html`<header class="page-head part">
    <a class="btn quiet only desk-only" href=${href(`/data/${model.name}`)} aria-label=${t("data.back", { name: inSentence(model.label_plural) })} title=${t("data.back", { name: inSentence(model.label_plural) })}><${Icon} name="left" /></a>
    <div class="say"><h1>${heading}</h1><p>${words}</p></div>
    ${children && html`<div class="do">${children}</div>`}
  </header>`;
}
