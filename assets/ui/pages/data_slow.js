// Slow lists, for admins: what is asked for that reads more than it shows, and the index that would help. Never values.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { formatBytes, t } from "../i18n.js";
import { href } from "../router.js";
import { html, useState } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { useTrail } from "../widgets/trail.js";
import { Empty, Skeleton, Trouble, sentence } from "../widgets/trouble.js";
import { MadeIndexes, QuietLists, SlowList, fieldsOf } from "./data_slow_rows.js";

const LISTS = "/api/v1/server/slow-lists";
const INDEXES = "/api/v1/server/indexes";

/**
 * @typedef {{fields: string[], effect: "quick"|"fewer_rows", bytes: number}} Suggestion
 * @typedef {{model: string, query: string, own_only: boolean, count: number, median_ms: number, p95_ms: number, last_at: string, rows: number, rows_read: number|null, suggestion: Suggestion|null, reason: string|null, index: string[]|null}} Slow
 * @typedef {{model: string, fields: string[], rows: number, bytes: number, superfluous: boolean}} Made
 */

/** @param {AbortSignal} signal @returns {Promise<{lists: Slow[], made: Made[]}>} */
async function load(signal) {
  const [lists, made] = await Promise.all([api.get(LISTS, { signal }), api.get(INDEXES, { signal })]);
  return { lists: lists.data, made: made.data };
}

export function SlowLists() {
  useTrail(t("slow.title"), true);
  const { data, error, slow, reload } = useLoad(load, []);
  const [busy, setBusy] = useState("");
  /** Makes or removes an index, and offers the way back, which has one as well. @param {boolean} make @param {string} model @param {string[]} fields */
  const change = async (make, model, fields) => {
    setBusy(keyOf(model, fields));
    try {
      const undo = { label: t("undo.do"), run: () => change(!make, model, fields) };
      if (make) {
        const { data: made } = await api.post(INDEXES, { model, fields });
        say(t("slow.added", { fields: fieldsOf(fields), size: formatBytes(made.bytes) }), "ok", undo);
      } else {
        await api.delete(`${INDEXES}/${model}/${fields.join(",")}`);
        say(t("slow.removed", { fields: fieldsOf(fields) }), "ok", undo);
      }
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy("");
    reload();
  };
  const helped = data?.lists.filter((one) => one.suggestion) || [];
  const quiet = data?.lists.filter((one) => !one.suggestion && !one.index) || [];
  const empty = data && !data.lists.length && !data.made.length;
  return html`<div class="area">
    <header class="page-head part">
      <a class="btn quiet only" href=${href("/data")} aria-label=${t("data.all_models")} title=${t("data.all_models")}><${Icon} name="left" /></a>
      <div class="say"><h1>${t("slow.title")}</h1><p>${t("slow.words")}</p></div>
      <div class="do"><button class="btn only" type="button" onClick=${reload} aria-label=${t("slow.look")} title=${t("slow.look")}><${Icon} name="refresh" /></button></div>
    </header>
    <div class="scroll">
      ${error && !data && html`<div class="column narrow"><${Trouble} error=${error} what=${t("slow.error")} retry=${reload} /></div>`}
      ${!data && slow && html`<${Skeleton} rows=${6} />`}
      ${empty && html`<${Empty} heading=${t("slow.none")} words=${t("slow.none_words")} curl=${curl(LISTS)}>
        <button class="btn" type="button" onClick=${reload}><${Icon} name="refresh" />${t("slow.look")}</button>
      <//>`}
      ${data && !empty && html`<div class="column narrow slow">
        ${helped.length > 0 ? html`<section class="card" aria-labelledby="slow-helped">
          <header><h2 id="slow-helped">${t("slow.helped")}</h2></header>
          <ul class="plain-list">${helped.map((one) => html`<${SlowList} key=${`${one.model}?${one.query}${one.own_only}`} one=${one}
            busy=${busy === keyOf(one.model, one.suggestion?.fields || [])} add=${(/** @type {string[]} */ fields) => change(true, one.model, fields)} />`)}</ul>
        </section>` : html`<div class="note good"><${Icon} name="check" /><span>${t("slow.all_well")}</span></div>`}
        ${data.made.length > 0 && html`<${MadeIndexes} made=${data.made} lists=${data.lists} busy=${busy}
          remove=${(/** @type {Made} */ one) => change(false, one.model, one.fields)} keyOf=${keyOf} />`}
        ${quiet.length > 0 && html`<${QuietLists} lists=${quiet} />`}
        <details class="more"><summary>${t("empty.or")}</summary><${Copyable} text=${curl(LISTS)} /></details>
      </div>`}
    </div>
  </div>`;
}

/** @param {string} model @param {string[]} fields */
const keyOf = (model, fields) => `${model}/${fields.join(",")}`;
