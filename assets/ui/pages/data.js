// Data: the models at the left, one of them as a grid, one record in a drawer. The address holds all of it.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { loadModels, refreshModels } from "../models.js";
import { go, href } from "../router.js";
import { isAdmin, may, modelNamed, models } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useLoad } from "../widgets/load.js";
import { Empty } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { DataAccess } from "./data_access.js";
import { Bulk } from "./data_bulk.js";
import { Deleted } from "./data_deleted.js";
import { Drawer } from "./data_drawer.js";
import { DataImport } from "./data_import.js";
import { DesignEdit } from "./design_edit.js";
import { DesignNew } from "./design_new.js";
import { FilterBar } from "./data_filter.js";
import { Foot } from "./data_foot.js";
import { DataHead } from "./data_head.js";
import { useLiveRows } from "./data_live.js";
import { ModelList } from "./data_models.js";
import { MAKING, PAGE_SIZE, SLOW, filterQuery, isFiltered, requestQuery } from "./data_query.js";
import { Rows } from "./data_rows.js";
import { SlowLists } from "./data_slow.js";

/** @param {{rest: string[], query: URLSearchParams}} props */
export function Data({ rest, query }) {
  const listed = models.value?.filter((model) => may(model, "list")) || [];
  useEffect(() => {
    refreshModels();
  }, []);
  useEffect(() => {
    const wide = matchMedia("(min-width: 720px)").matches;
    if (!rest[0] && wide && listed.length) go(href(`/data/${(modelNamed("notes") || listed[0]).name}`), { replace: true });
  }, [rest[0]]);
  return html`<div class="split" data-open=${rest[0] ? "area" : "list"}>
    <${ModelList} models=${listed} current=${rest[0]} admin=${isAdmin()} />
    <${Part} rest=${rest} query=${query} />
  </div>`;
}

/** What stands beside the list of models. @param {{rest: string[], query: URLSearchParams}} props */
function Part({ rest, query }) {
  const [name, part] = rest;
  const model = name ? modelNamed(name) : undefined;
  // Somebody may have made it since the list was read.
  useEffect(() => {
    if (name && ![MAKING, SLOW].includes(name) && !model) loadModels();
  }, [name]);
  if (!name) return null;
  if (name === SLOW && isAdmin()) return html`<${SlowLists} />`;
  if (name === MAKING && isAdmin()) return html`<${DesignNew} />`;
  if (!model || !may(model, "list")) {
    return html`<div class="area"><${Empty} main heading=${t("data.no_model_title")} words=${t("data.no_model", { name })}><a class="btn" href=${href("/data")}>${t("data.all_models")}</a><//></div>`;
  }
  if (part === "deleted" && model.history) return html`<${Deleted} key=${name} model=${model} />`;
  if (part === "import" && may(model, "create")) return html`<${DataImport} key=${name} model=${model} />`;
  if (part === "access" && isAdmin()) return html`<${DataAccess} key=${name} model=${model} />`;
  if (part === "design" && isAdmin() && model.made_here) return html`<${DesignEdit} key=${name} model=${model} />`;
  return html`<${Area} key=${name} model=${model} query=${query} />`;
}

/** @param {{model: import("../types").Model, query: URLSearchParams}} props */
function Area({ model, query }) {
  const [selected, setSelected] = useState(/** @type {Set<number>} */ (new Set()));
  const [everything, setEverything] = useState(false);
  const path = `/api/v1/${model.name}`;
  const search = requestQuery(model, query);
  const filters = filterQuery(query);
  const page = useLoad(async (signal) => api.get(path, { signal, query: search }), [path, search]);
  const live = useLiveRows(model, page, filters);
  const { rows } = live;
  const select = (/** @type {Set<number>} */ ids) => {
    setSelected(ids);
    setEverything(false);
  };
  const selectEverything = () => {
    setSelected(new Set(rows.map((row) => row.id)));
    setEverything(true);
  };
  /** @param {Record<string, string|null>} changes null removes a part of the address @param {boolean} [replace] */
  const move = (changes, replace = false) => {
    const next = new URLSearchParams(query);
    for (const [key, value] of Object.entries(changes)) value === null ? next.delete(key) : next.set(key, value);
    go(href(`/data/${model.name}`, next), { replace });
  };
  const filter = (/** @type {string[]} */ where) => {
    const next = new URLSearchParams(query);
    next.delete("where");
    next.delete("offset");
    for (const one of where) next.append("where", one);
    go(href(`/data/${model.name}`, next));
  };
  const clear = () => {
    const next = new URLSearchParams(query);
    for (const name of ["where", "q", "offset"]) next.delete(name);
    go(href(`/data/${model.name}`, next));
  };
  useEffect(() => select(new Set()), [search]);
  const record = query.get("record");
  const close = () => {
    move({ record: null });
    requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector(`[data-row="${record}"]`))?.focus());
  };
  const empty = page.data && !rows.length && !isFiltered(query) && !query.has("offset");
  return html`<div class="area">
    <${DataHead} model=${model} query=${query} add=${() => move({ record: "new" })} empty=${empty} />
    <${FilterBar} model=${model} query=${query} onFilter=${filter} move=${move} error=${page.error} waiting=${live.waiting} reload=${page.reload} />
    <${Rows} model=${model} page=${page} live=${live} query=${query} move=${move} record=${record}
      selected=${selected} setSelected=${select} clear=${clear} />
    ${selected.size > 0 && html`<${Bulk} model=${model} selected=${selected} setSelected=${select} everything=${everything}
      selectEverything=${selectEverything} filters=${filters} whole=${selected.size === rows.length} count=${page.data?.count ?? rows.length} reload=${page.reload} />`}
    <${Foot} path=${path} search=${search} page=${page} offset=${Number(query.get("offset")) || 0} size=${PAGE_SIZE} move=${move} />
    ${record && html`<${Drawer}
      key=${`${model.name}/${record}`} model=${model} id=${record} rows=${rows} gone=${live.gone} close=${close}
      open=${(/** @type {string} */ id) => move({ record: id })} changed=${page.reload}
    />`}
    <p class="vh" role="status">${page.data && t("data.announce", { n: page.data.count ?? rows.length, name: inSentence(model.label_plural) })}</p>
  </div>`;
}
