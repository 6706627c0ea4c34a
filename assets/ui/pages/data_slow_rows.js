// One slow list with its index, the indexes that were added, and the lists that want none.
import { formatBytes, t } from "../i18n.js";
import { href } from "../router.js";
import { modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Ago } from "../widgets/time.js";
import { inSentence } from "../widgets/words.js";

/** @typedef {import("./data_slow.js").Slow} Slow @typedef {import("./data_slow.js").Made} Made */

/** @param {string[]} fields */
export const fieldsOf = (fields) => fields.join(", ");

/** @param {string} name */
const pluralOf = (name) => modelNamed(name)?.label_plural || name;

/** @param {{one: Slow, busy: boolean, add: (fields: string[]) => void}} props */
export function SlowList({ one, busy, add }) {
  const { suggestion } = one;
  if (!suggestion) return null;
  const name = inSentence(pluralOf(one.model));
  const fields = fieldsOf(suggestion.fields);
  return html`<li>
    <div class="grow stack tight">
      <${Asked} one=${one} />
      <p class="small list-query"><${Icon} name="arrow-right" /> ${t(`slow.${suggestion.effect}`)} <code>${fields}</code></p>
      <p class="tiny muted">${t("slow.cost", { size: formatBytes(suggestion.bytes), name })}</p>
    </div>
    <button class="btn dense" type="button" disabled=${busy} onClick=${() => add(suggestion.fields)} aria-label=${busy ? undefined : t("slow.add_to", { fields, name })}>
      <${Icon} name="plus" />${t(busy ? "slow.adding" : "slow.add")}</button>
  </li>`;
}

/** What was asked for, how often, and how long it took. @param {{one: Slow}} props */
function Asked({ one }) {
  const about = [
    t("slow.times", { n: one.count }),
    one.count > 1 ? t("slow.took", { half: inMs(one.median_ms), most: inMs(one.p95_ms) }) : inMs(one.median_ms),
    one.rows_read !== null && t("slow.reads_all", { n: one.rows_read }),
    one.own_only && t("slow.own_only"),
  ].filter(Boolean).join(" · ");
  return html`<p class="strong"><a href=${href(`/data/${one.model}`)}>${pluralOf(one.model)}</a></p>
    <p class="list-query"><code>${one.query || t("slow.everything")}</code></p>
    <p class="tiny muted">${about} · <${Ago} iso=${one.last_at} /></p>`;
}

/** @param {number} ms */
const inMs = (ms) => t("activity.ms", { n: ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms) });

/** @param {{made: Made[], lists: Slow[], busy: string, remove: (one: Made) => void, keyOf: (model: string, fields: string[]) => string}} props */
export function MadeIndexes({ made, lists, busy, remove, keyOf }) {
  return html`<section class="card" aria-labelledby="slow-made">
    <header><h2 id="slow-made">${t("slow.made")}</h2></header>
    <ul class="plain-list">${made.map((one) => {
      const key = keyOf(one.model, one.fields);
      const served = lists.filter((list) => list.index && keyOf(list.model, list.index) === key);
      return html`<li key=${key}>
        <div class="grow stack tight">
          <p class="strong">${pluralOf(one.model)}: <code>${fieldsOf(one.fields)}</code></p>
          <p class="tiny muted">${t("slow.size", { n: one.rows, size: formatBytes(one.bytes) })}</p>
          ${one.superfluous && html`<p class="tiny">${t("slow.superfluous")}</p>`}
          ${served.map((list) => html`<p class="tiny list-query" key=${list.query}><${Icon} name="check" /> ${t("slow.serves")} <code>${list.query}</code>
            <span class="muted"> ${t("slow.before", { half: inMs(list.median_ms) })}</span></p>`)}
        </div>
        <button class="btn dense" type="button" disabled=${busy === key} onClick=${() => remove(one)} aria-label=${t("slow.remove_of", { fields: fieldsOf(one.fields), name: inSentence(pluralOf(one.model)) })}>${t("slow.remove")}</button>
      </li>`;
    })}</ul>
  </section>`;
}

/** @param {{lists: Slow[]}} props */
export function QuietLists({ lists }) {
  return html`<details class="more card quiet-lists"><summary>${t("slow.quiet", { n: lists.length })}</summary>
    <ul class="plain-list">${lists.map((one) => html`<li key=${`${one.model}?${one.query}${one.own_only}`}>
      <div class="grow stack tight"><${Asked} one=${one} /><p class="tiny">${t(`slow.reason_${one.reason}`, { n: one.rows })}</p></div>
    </li>`)}</ul>
  </details>`;
}
