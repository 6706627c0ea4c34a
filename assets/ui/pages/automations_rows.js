// The latest records of a model, drawn anew when one changes.
import { api } from "../api.js";
import { useFresh } from "../events.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { html, useEffect } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Empty, Skeleton, Trouble, sentence } from "../widgets/trouble.js";

/** @param {string} model @param {string} query */
export function useRows(model, query) {
  const load = useLoad(async (signal) => /** @type {any[]} */ ((await api.get(`/api/v1/${model}`, { signal, query })).data), [model, query]);
  useFresh([model], load.look);
  /** Does something and looks again; what goes wrong is said. @param {() => Promise<any>} deed @param {string} done */
  const act = async (deed, done) => {
    try {
      await deed();
      if (done) say(done);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    load.reload();
  };
  const limit = Number(new URLSearchParams(query).get("limit"));
  return { ...load, act, model, cut: limit > 0 && (load.data?.length || 0) >= limit };
}

/** Below a list that is not all there is. @param {{rows: ReturnType<typeof useRows>}} props */
export function Cut({ rows }) {
  if (!rows.cut || !rows.data) return null;
  return html`<p class="small soft">${t("rows.cut", { n: rows.data.length })} <a class="link" href=${href(`/data/${rows.model}`)}>${t("rows.all")}</a></p>`;
}

/**
 * A card of rows, or what stands in its place.
 * @param {{rows: ReturnType<typeof useRows>, what: string, none: {heading: string, words: string, curl?: string, add?: {to: string, label: string}|false}, draw: (row: any) => any, label: string, told?: (none: boolean) => void}} props `told` hears whether there is none
 */
export function Rows({ rows, what, none, draw, label, told }) {
  const { data, error, slow, reload } = rows;
  const { add, ...words } = none;
  const isEmpty = data?.length === 0;
  useEffect(() => told?.(isEmpty), [isEmpty]);
  if (error && !data) return html`<${Trouble} error=${error} what=${what} retry=${reload} />`;
  if (!data) return slow ? html`<section class="card"><${Skeleton} rows=${6} /></section>` : null;
  if (isEmpty) return html`<${Empty} ...${words}>${add && html`<a class="btn primary" href=${add.to}><${Icon} name="plus" />${add.label}</a>`}<//>`;
  return html`<ul class="card calls" aria-label=${label}>${data.map(draw)}</ul><${Cut} rows=${rows} />`;
}
