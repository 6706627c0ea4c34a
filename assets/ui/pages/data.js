// Data: the models at the left, one of them as a grid, one record in a drawer. The address holds all of it.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { may, modelNamed, models } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useLoad } from "../widgets/load.js";
import { inSentence } from "../widgets/words.js";
import { Drawer } from "./data_drawer.js";
import { FilterBar } from "./data_filter.js";
import { Foot } from "./data_foot.js";
import { DataHead } from "./data_head.js";
import { ModelList } from "./data_models.js";
import { Rows } from "./data_rows.js";

export const PAGE_SIZE = 50;

/** @param {{rest: string[], query: URLSearchParams}} props */
export function Data({ rest, query }) {
  const listed = models.value?.filter((model) => may(model, "list")) || [];
  const model = rest[0] ? modelNamed(rest[0]) : undefined;
  useEffect(() => {
    const wide = matchMedia("(min-width: 720px)").matches;
    if (!rest[0] && wide && listed.length) go(href(`/data/${(modelNamed("notes") || listed[0]).name}`), { replace: true });
  }, [rest[0]]);
  return html`<div class="split" data-open=${rest[0] ? "area" : "list"}>
    <${ModelList} models=${listed} current=${rest[0]} />
    ${model && may(model, "list")
      ? html`<${Area} key=${model.name} model=${model} query=${query} />`
      : rest[0] && html`<div class="area"><div class="column pad-top"><p class="note"><span>${t("data.no_model", { name: rest[0] })}</span></p></div></div>`}
  </div>`;
}

/** What the API is asked for. @param {URLSearchParams} query of the page's address */
function requestQuery(query) {
  const search = new URLSearchParams();
  for (const one of query.getAll("where")) {
    const at = one.indexOf("=");
    search.append(one.slice(0, at), one.slice(at + 1));
  }
  search.set("sort", query.get("sort") || "-id");
  search.set("limit", String(PAGE_SIZE));
  if (Number(query.get("offset")) > 0) search.set("offset", String(Number(query.get("offset"))));
  return search.toString();
}

/** @param {{model: import("../types").Model, query: URLSearchParams}} props */
function Area({ model, query }) {
  const [selected, setSelected] = useState(/** @type {Set<number>} */ (new Set()));
  const path = `/api/v1/${model.name}`;
  const search = requestQuery(query);
  const page = useLoad(async (signal) => api.get(path, { signal, query: search }), [path, search]);
  /** @param {Record<string, string|null>} changes null removes a part of the address */
  const move = (changes) => {
    const next = new URLSearchParams(query);
    for (const [key, value] of Object.entries(changes)) value === null ? next.delete(key) : next.set(key, value);
    go(href(`/data/${model.name}`, next));
  };
  const filter = (/** @type {string[]} */ where) => {
    const next = new URLSearchParams(query);
    next.delete("where");
    next.delete("offset");
    for (const one of where) next.append("where", one);
    setSelected(new Set());
    go(href(`/data/${model.name}`, next));
  };
  useEffect(() => setSelected(new Set()), [search]);
  const record = query.get("record");
  const rows = page.data?.data || [];
  const close = () => {
    move({ record: null });
    requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector(`[data-row="${record}"]`))?.focus());
  };
  return html`<div class="area">
    <${DataHead} model=${model} add=${() => move({ record: "new" })} empty=${page.data && !rows.length && !query.has("where") && !query.has("offset")} />
    <${FilterBar} model=${model} where=${query.getAll("where")} onChange=${filter} error=${page.error} />
    <${Rows}
      model=${model} page=${page} rows=${rows} query=${query} move=${move} record=${record}
      selected=${selected} setSelected=${setSelected} clear=${() => filter([])}
    />
    <${Foot} path=${path} search=${search} page=${page} offset=${Number(query.get("offset")) || 0} size=${PAGE_SIZE} move=${move} />
    ${record && html`<${Drawer}
      key=${`${model.name}/${record}`} model=${model} id=${record} rows=${rows} close=${close}
      open=${(/** @type {string} */ id) => move({ record: id })} changed=${page.reload}
    />`}
    <p class="vh" role="status">${page.data && t("data.announce", { n: page.data.count ?? rows.length, name: inSentence(model.label_plural) })}</p>
  </div>`;
}
