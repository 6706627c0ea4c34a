// The models one may list, in groups, with a field to find one.
import { t } from "../i18n.js";
import { href } from "../router.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { modelIcon } from "../widgets/model_icon.js";
import { MAKING, MAP, SLOW } from "./data_query.js";

const GROUPS = ["yours", "plugins", "system"];

/** @param {{models: import("../types").Model[], current: string|undefined, admin: boolean}} props admins make models, and look at slow lists */
export function ModelList({ models, current, admin }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const hits = models.filter((model) => `${model.label_plural} ${model.name}`.toLowerCase().includes(wanted));
  return html`<div class="side second">
    ${!current && html`<h1 class="vh">${t("page.data")}</h1>`}
    <div class="side-head"><span class="input dense">
      <${Icon} name="search" size=${14} />
      <input placeholder=${t("data.find_model")} aria-label=${t("data.find_model")} value=${text}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
    </span>
    ${admin && html`<a class="btn only quiet dense" href=${href(`/data/${MAKING}`)} aria-label=${t("design.new")} title=${t("design.new")} aria-current=${current === MAKING ? "page" : undefined}><${Icon} name="plus" /></a>`}</div>
    <nav class="scroll" aria-label=${t("data.models")}>
      ${GROUPS.map((group) => {
        const inside = hits.filter((model) => (GROUPS.includes(model.group) ? model.group : "system") === group);
        return inside.length > 0 && html`<div key=${group}>
          <h2>${t(`data.group_${group}`)}</h2>
          <ul>${inside.map((model) => html`<li key=${model.name}>
            <a href=${href(`/data/${model.name}`)} aria-current=${current === model.name ? "page" : undefined}><${Icon} name=${modelIcon(model)} size=${16} /><span class="clip">${model.label_plural}</span></a>
          </li>`)}</ul>
        </div>`;
      })}
      ${!hits.length && html`<p class="small muted none">${t("data.no_hit")}</p>`}
    </nav>
    <nav class="side-last" aria-label=${t("data.upkeep")}><ul>
      <li><a href=${href(`/data/${MAP}`)} aria-current=${current === MAP ? "page" : undefined}><${Icon} name="models" /><span class="clip">${t("map.title")}</span></a></li>
      ${admin && html`<li><a href=${href(`/data/${SLOW}`)} aria-current=${current === SLOW ? "page" : undefined}><${Icon} name="clock" /><span class="clip">${t("slow.title")}</span></a></li>`}
    </ul></nav>
  </div>`;
}
