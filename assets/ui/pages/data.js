// Data: the models at the left, one of them as a grid, one record in a drawer. The address holds all of it.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { loadModels, refreshModels } from "../models.js";
import { go, href } from "../router.js";
import { isAdmin, may, modelNamed, models } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { later } from "../widgets/later.js";
import { useLoad } from "../widgets/load.js";
import { Empty } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { FilterBar } from "./data_filter.js";
import { Foot } from "./data_foot.js";
import { DataHead } from "./data_head.js";
import { useLiveRows } from "./data_live.js";
import { ModelList } from "./data_models.js";
import { MAKING, MAP, PAGE_SIZE, SLOW, filterQuery, isFiltered, requestQuery } from "./data_query.js";
import { Rows } from "./data_rows.js";

// What nobody needs before a click comes with it.
const Bulk = later(() => import("./data_bulk.js").then((found) => found.Bulk));
const DataAccess = later(() => import("./data_access.js").then((found) => found.DataAccess));
const DataImport = later(() => import("./data_import.js").then((found) => found.DataImport));
const Deleted = later(() => import("./data_deleted.js").then((found) => found.Deleted));
const DesignEdit = later(() => import("./design_edit.js").then((found) => found.DesignEdit));
const DesignNew = later(() => import("./design_new.js").then((found) => found.DesignNew));
const Drawer = later(() => import("./data_drawer.js").then((found) => found.Drawer));
const ModelsImport = later(() => import("./models_import.js").then((found) => found.ModelsImport));
const ModelsMap = later(() => import("./models_map.js").then((found) => found.ModelsMap));
const SlowLists = later(() => import("./data_slow.js").then((found) => found.SlowLists));

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
    <${Part} rest=${rest} query=${query} listed=${listed} />
  </div>`;
}

/** What stands beside the list of models. @param {{rest: string[], query: URLSearchParams, listed: import("../types").Model[]}} props */
function Part({ rest, query, listed }) {
  const [name, part] = rest;
  const model = name ? modelNamed(name) : undefined;
  // Somebody may have made it since the list was read.
  useEffect(() => {
    if (name && ![MAKING, MAP, SLOW].includes(name) && !model) loadModels();
  }, [name]);
  if (!name) return null;
  if (name === MAP && part === "import" && isAdmin()) return html`<${ModelsImport} />`;
  if (name === MAP) return html`<${ModelsMap} models=${listed} query=${query} />`;
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
  const page = useLoad(async (signal) => {
    const asked = performance.now();
    return { ...(await api.get(path, { signal, query: search })), asked, of: search };
  }, [path, search], search);
  const live = useLiveRows(model, page, filters);
  const { rows } = live;
  // What stands there was asked for with another range, order or filter: the answer to this one is on its way.
  const former = Boolean(page.data && !page.error && page.data.of !== search);
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
  useEffect(() => select(new Set()), [search, page.data?.of]);
  const record = query.get("record");
  // The drawer of a new record may stay, as that of the record that was made: `place` tells one drawer from another.
  const [grown, setGrown] = useState({ id: "", place: "", n: 0 });
  const place = grown.id === record ? grown.place : `${model.name}/${record}/${query.get("like")}/${grown.n}`;
  const became = (/** @type {string} */ id) => {
    setGrown(({ n }) => ({ id, place, n: n + 1 }));
    move({ record: id, like: null }, true);
  };
  /** @param {boolean} [removed] the record is gone: its neighbour has the focus then */
  const close = (removed = false) => {
    const at = rows.findIndex((row) => String(row.id) === record);
    const next = removed ? (rows[at + 1] || rows[at - 1])?.id ?? "new" : record;
    // Who came from another page to one record goes back there.
    const back = query.get("back");
    if (back) return go(href(back));
    move({ record: null, like: null });
    requestAnimationFrame(() => {
      // Who types elsewhere by now, say a search, goes on there.
      const typing = document.activeElement?.closest("input, textarea, select");
      if (!typing || typing.closest(".drawer")) /** @type {HTMLElement|null} */ (document.querySelector(`[data-row="${next}"]`))?.focus();
    });
  };
  const empty = page.data && !former && !rows.length && !isFiltered(query) && !query.has("offset");
  return html`<div class="area" onPointerOver=${Drawer.ahead} onFocusIn=${Drawer.ahead}>
    <${DataHead} model=${model} query=${query} add=${() => move({ record: "new", like: null })} empty=${empty} />
    <${FilterBar} model=${model} query=${query} onFilter=${filter} move=${move} error=${page.error} waiting=${live.waiting} reload=${page.reload} />
    <${Rows} model=${model} page=${page} former=${former} live=${live} query=${query} move=${move} record=${record}
      selected=${selected} setSelected=${select} clear=${clear} />
    ${selected.size > 0 && html`<${Bulk} model=${model} selected=${selected} setSelected=${select} everything=${everything}
      selectEverything=${selectEverything} filters=${filters} whole=${selected.size === rows.length} count=${page.data?.count ?? rows.length} reload=${page.reload} />`}
    <${Foot} path=${path} search=${search} page=${page} former=${former} offset=${Number(query.get("offset")) || 0} size=${PAGE_SIZE} move=${move} />
    ${record && html`<${Drawer}
      key=${place} model=${model} id=${record} like=${record === "new" ? query.get("like") : null} rows=${rows} gone=${live.gone} close=${close}
      open=${(/** @type {string} */ id, /** @type {string|null} */ like = null) => move({ record: id, like })} became=${became} changed=${page.reload}
    />`}
    <p class="vh" role="status">${page.data && !former && t("data.announce", { n: page.data.count ?? rows.length, name: inSentence(model.label_plural) })}</p>
  </div>`;
}
