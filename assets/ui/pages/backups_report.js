// How the last restore ended: what was in the backup, what is here now. Stays until it is put away.
import { formatExact, formatNumber, t } from "../i18n.js";
import { keep, stored } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";

/** @param {{report: any}} props */
export function RestoreReport({ report }) {
  const [seen, setSeen] = useState(stored("restore.seen", ""));
  if (!report || seen === report.finished_at) return null;
  const away = () => {
    keep("restore.seen", report.finished_at);
    setSeen(report.finished_at);
  };
  const bad = report.outcome === "failed";
  return html`<section class="card report" aria-labelledby="report-title">
    <header><${Icon} name=${bad ? "alert" : "check"} /><h2 id="report-title">${t(`restore.outcome_${report.outcome}`)}</h2><span class="grow"></span>
      <button class="btn only quiet dense" type="button" onClick=${away} aria-label=${t("restore.put_away")} title=${t("restore.put_away")}><${Icon} name="close" /></button></header>
    <div class="body stack">
      <p class="small soft">${bad ? report.problem : t("restore.by", { name: report.asked_by, time: formatExact(report.finished_at) })}</p>
      <${LostSecrets} lost=${report.lost_secrets} words=${t("restore.lost")} />
      ${report.models.length > 0 && html`<${ModelRows} models=${report.models} />`}
    </div>
  </section>`;
}

/** Which secrets nothing opens here. @param {{lost: {model: string, field: string, rows: number}[], words: string}} props */
export function LostSecrets({ lost, words }) {
  if (lost.length === 0) return null;
  return html`<div class="note warn"><${Icon} name="alert" /><div><p>${words}</p>
    <ul>${lost.map((one) => html`<li key=${`${one.model}.${one.field}`}><span class="mono">${one.model}.${one.field}</span>: ${formatNumber(one.rows)}</li>`)}</ul></div></div>`;
}

/** Model, rows in the backup, rows now; what differs comes first, what is empty last. @param {{models: {model: string, backup: number|null, now: number|null}[]}} props */
export function ModelRows({ models }) {
  const differs = (/** @type {{backup: number|null, now: number|null}} */ one) => one.backup !== one.now;
  const weight = (/** @type {{backup: number|null, now: number|null}} */ one) => (differs(one) ? 2 : one.now ? 1 : 0);
  const sorted = [...models].sort((one, other) => weight(other) - weight(one));
  const shown = (/** @type {number|null} */ n) => (n === null ? "–" : formatNumber(n));
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t("restore.table")}><table class="facts">
    <thead><tr><th scope="col">${t("restore.model")}</th><th scope="col" class="n">${t("restore.in_backup")}</th><th scope="col" class="n">${t("restore.now")}</th></tr></thead>
    <tbody>${sorted.map((one) => html`<tr key=${one.model} class=${differs(one) ? "strong" : undefined}>
      <td class="mono">${one.model}</td><td class="n">${shown(one.backup)}</td><td class="n">${shown(one.now)}</td></tr>`)}</tbody>
  </table></div>`;
}
