// How models refer to each other: boxes with fields, lines from a field to what it refers to; and the same as a list.
import { iconOf, typeName } from "../fields/index.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { isAdmin } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { modelIcon } from "../widgets/model_icon.js";
import { useTrail } from "../widgets/trail.js";
import { Empty } from "../widgets/trouble.js";
import { MAP } from "./data_query.js";
import { ModelsExport } from "./models_export.js";
import { BOX, HEAD, LINE, layout } from "./models_layout.js";

/** @param {{models: import("../types").Model[], query: URLSearchParams}} props those that one may list */
export function ModelsMap({ models, query }) {
  useTrail(t("map.title"), true);
  const system = query.get("system") === "1";
  const owners = query.get("owners") === "1";
  const wanted = models.filter((model) => system || model.group !== "system" || (owners && model.name === "users"));
  const turn = (/** @type {string} */ name, /** @type {boolean} */ on) => {
    const next = new URLSearchParams(query);
    on ? next.set(name, "1") : next.delete(name);
    go(href(`/data/${MAP}`, next), { replace: true });
  };
  const drawn = layout(wanted, owners);
  const own = models.filter((model) => model.made_here);
  const [exporting, setExporting] = useState(false);
  return html`<div class="area">
    <header class="page-head part">
      <a class="btn quiet only" href=${href("/data")} aria-label=${t("data.all_models")} title=${t("data.all_models")}><${Icon} name="left" /></a>
      <div class="say"><h1>${t("map.title")}</h1><p>${t("map.words")}</p></div>
    </header>
    <div class="bar map-bar">
      <${Turn} on=${system} words=${t("map.system")} turn=${(/** @type {boolean} */ on) => turn("system", on)} />
      <${Turn} on=${owners} words=${t("map.owners")} turn=${(/** @type {boolean} */ on) => turn("owners", on)} />
      ${isAdmin() && html`<span class="grow"></span><span class="row">
        <a class="btn quiet dense" href=${href(`/data/${MAP}/import`)}><${Icon} name="upload" />${t("defs.title")}</a>
        ${own.length > 0 && html`<button class="btn quiet dense" type="button" onClick=${() => setExporting(true)}><${Icon} name="download" />${t("defs.export")}</button>`}
      </span>`}
    </div>
    ${wanted.length ? html`<${Drawing} drawn=${drawn} />` : html`<${Empty} heading=${t("map.none")} words=${t("map.none_words")} />`}
    ${exporting && html`<${ModelsExport} models=${own} close=${() => setExporting(false)} />`}
  </div>`;
}

/** @param {{on: boolean, words: string, turn: (on: boolean) => void}} props */
function Turn({ on, words, turn }) {
  return html`<label class="row small"><input class="switch" type="checkbox" role="switch" checked=${on} onChange=${(/** @type {any} */ event) => turn(event.target.checked)} />${words}</label>`;
}

/** Places an element; an attribute would be against the policy of contents. @param {Partial<CSSStyleDeclaration>} place */
const shaped = (place) => (/** @type {HTMLElement|null} */ element) => {
  if (element) Object.assign(element.style, place);
};

/** @param {{drawn: ReturnType<typeof layout>}} props */
function Drawing({ drawn }) {
  const [lit, light] = useState("");
  const { boxes, lines, width, height } = drawn;
  const labels = new Map(boxes.map(({ model }) => [model.name, model.label_plural]));
  const touches = (/** @type {import("./models_layout.js").Line} */ line) => line.from === lit || line.to === lit;
  return html`<div class="map" role="region" aria-label=${t("map.drawing")} tabindex="0">
    <div class="map-sheet" ref=${shaped({ width: `${width}px`, height: `${height}px` })} data-lit=${lit ? "" : undefined}>
      <svg width=${width} height=${height} aria-hidden="true">
        <defs><marker id="map-head" viewBox="0 0 8 8" refX="2" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M1 1l6 3-6 3z" /></marker></defs>
        ${lines.map((line) => html`<path key=${`${line.from}.${line.field}`} class=${touches(line) ? "lit" : undefined} d=${line.path} marker-end="url(#map-head)" />`)}
      </svg>
      ${boxes.map((box) => html`<${ModelBox} key=${box.model.name} box=${box} light=${light} />`)}
    </div>
    <details class="more map-list"><summary>${t("map.as_list")}</summary>
      ${lines.length ? html`<ul class="small">${lines.map((line) => html`<li key=${`${line.from}.${line.field}`}>
        ${t("map.refers", { model: labels.get(line.from) || line.from, field: line.field, to: labels.get(line.to) || line.to })}</li>`)}</ul>` : html`<p class="small soft">${t("map.no_lines")}</p>`}
    </details>
  </div>`;
}

/** @param {{box: import("./models_layout.js").Box, light: (name: string) => void}} props */
function ModelBox({ box, light }) {
  const { model, fields, more, x, y, height } = box;
  const on = () => light(model.name);
  const off = () => light("");
  return html`<a class="map-box" href=${href(`/data/${model.name}`)} ref=${shaped({ left: `${x}px`, top: `${y}px`, width: `${BOX}px`, height: `${height}px` })}
    onMouseEnter=${on} onMouseLeave=${off} onFocus=${on} onBlur=${off}>
    <span class="map-name" ref=${shaped({ height: `${HEAD}px` })}><${Icon} name=${modelIcon(model)} size=${16} /><span class="clip">${model.label_plural}</span></span>
    ${fields.map((field) => html`<span class="map-field" key=${field.name} ref=${shaped({ height: `${LINE}px` })} title=${typeName(field)}>
      <${Icon} name=${iconOf(field)} size=${14} /><span class="clip">${field.name}</span>${field.required && html`<span class="needed" aria-hidden="true">*</span>`}</span>`)}
    ${more > 0 && html`<span class="map-field muted" ref=${shaped({ height: `${LINE}px` })}>${t("map.more", { n: more })}</span>`}
  </a>`;
}
