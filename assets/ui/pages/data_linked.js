// Records of other models that refer to this one, and the requests that a script would make for it.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { formatNumber, t } from "../i18n.js";
import { href } from "../router.js";
import { base, may, models } from "../store.js";
import { html } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";

/** Fields of models that one may list which refer to `model`. @param {import("../types").Model} model */
export function referrers(model) {
  return (models.value || []).filter((other) => may(other, "list"))
    .flatMap((other) => other.fields.filter((field) => field.references === model.name).map((field) => ({ model: other, field })));
}

/** @param {{model: import("../types").Model, id: string}} props */
export function Linked({ model, id }) {
  const found = referrers(model);
  const count = (/** @type {AbortSignal} */ signal) => (/** @type {any} */ { model: other, field }) =>
    api.get(`/api/v1/${other.name}`, { signal, query: `${field.name}=${id}&limit=1&fields=id` });
  const { data, error, slow, reload } = useLoad(async (signal) => Promise.all(found.map(count(signal))), [model.name, id]);
  if (error && !data) return html`<${Trouble} error=${error} what=${t("linked.error")} retry=${reload} />`;
  if (!data) return slow ? html`<${Skeleton} rows=${4} />` : null;
  return html`<ul class="linked">
    ${found.map((one, at) => html`<li key=${`${one.model.name}.${one.field.name}`}>
      <a href=${href(`/data/${one.model.name}`, { where: `${one.field.name}=${id}` })}>
        <span class="grow clip">${one.model.label_plural}<span class="muted"> · ${one.field.label}</span></span>
        <span class="count">${formatNumber(data[at].count ?? 0)}</span><${Icon} name="right" size=${16} />
      </a>
    </li>`)}
  </ul>`;
}

/** @param {{model: import("../types").Model, id: string}} props */
export function RecordRequests({ model, id }) {
  const path = `/api/v1/${model.name}/${id}`;
  const field = model.fields.find((one) => one.name === model.title_field && !one.read_only) || model.fields.find((one) => !one.read_only);
  return html`<div class="stack wide">
    <div class="stack"><h3>${t("requests.read")}</h3><${Copyable} text=${curl(path)} /></div>
    ${field && may(model, "update") && html`<div class="stack"><h3>${t("requests.change")}</h3>
      <${Copyable} text=${curl(path, { method: "PATCH", json: `{"${field.name}": …}` })} /></div>`}
    ${model.history && html`<div class="stack"><h3>${t("requests.history")}</h3><${Copyable} text=${curl(`${path}/history`)} /></div>`}
    ${may(model, "delete") && html`<div class="stack"><h3>${t("requests.delete")}</h3><${Copyable} text=${curl(path, { method: "DELETE" })} /></div>`}
    <p class="small"><a href=${`${base}/api/docs#/${model.name}`} target="_blank">${t("requests.docs")}</a></p>
  </div>`;
}
