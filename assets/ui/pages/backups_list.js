// The backups there are, the newest first, with what can be done with each.
import { formatBytes, formatExact, formatNumber, t } from "../i18n.js";
import { base } from "../store.js";
import { html } from "../vendor/preact.js";
import { confirm } from "../widgets/dialog.js";
import { Icon, State } from "../widgets/icon.js";
import { PlacedMenu } from "../widgets/menu.js";
import { Ago } from "../widgets/time.js";

/** @typedef {import("./backups.js").Backup} Backup */

const REASONS = ["manual", "scheduled"];

/** @param {{list: Backup[], busy: boolean, restore: (one: Backup) => void, check: (one: Backup) => void, remove: (one: Backup) => void}} props */
export function BackupList({ list, busy, restore, check, remove }) {
  return html`<section class="card" aria-labelledby="copies-title">
    <header><h2 id="copies-title">${t("backups.copies")}</h2><span class="grow">${formatNumber(list.length)}</span></header>
    <ul class="plain-list backups">
      ${list.map((one, at) => html`<${Line} key=${one.name} one=${one} at=${at} busy=${busy} restore=${restore} check=${check} remove=${remove} />`)}
    </ul>
  </section>`;
}

/** @param {{one: Backup, at: number, busy: boolean, restore: (one: Backup) => void, check: (one: Backup) => void, remove: (one: Backup) => void}} props */
function Line({ one, at, busy, restore, check, remove }) {
  const rows = Object.values(one.counts || {}).reduce((sum, n) => sum + n, 0);
  const about = [
    one.kind === "move" && t("backups.move_file"), one.reason && (REASONS.includes(one.reason) ? t(`backups.reason_${REASONS.indexOf(one.reason)}`, { name: one.made_by || "" }) : one.reason),
    formatBytes(one.size), one.counts && t("backups.rows", { n: rows }), one.secrets && one.secrets !== "none" && t(one.secrets === "included" ? "backups.with_secrets" : "backups.without_secrets"),
  ].filter(Boolean).join(" · ");
  const drop = async () => {
    const asked = { heading: t("backups.delete_ask"), words: t("backups.delete_words", { name: one.name }), verb: t("backups.delete"), stay: t("backups.delete_keep"), danger: true };
    if (await confirm(asked)) remove(one);
  };
  const name = one.made_at ? formatExact(one.made_at) : one.name;
  return html`<li>
    <div class="grow stack tight">
      <p class="strong">${one.made_at ? html`<${Ago} iso=${one.made_at} />` : html`<span class="mono clip">${one.name}</span>`}</p>
      <p class="tiny muted">${about}</p>
      ${one.problem && html`<p class="tiny"><${State} kind="bad">${one.problem}<//></p>`}
      ${one.not_included?.length > 0 && html`<details class="more tiny"><summary>${t("backups.left_out", { n: one.not_included.length })}</summary>
        <ul>${one.not_included.map((left) => html`<li key=${left.what}><b>${left.what}</b>: ${left.why}</li>`)}</ul></details>`}
    </div>
    ${!one.problem && html`<button class="btn dense" type="button" disabled=${busy} onClick=${() => restore(one)} aria-label=${t("restore.of", { name })}>${t("restore.do")}</button>`}
    <a class="btn only quiet dense" href=${`${base}/api/v1/backups/${one.name}/content`} download aria-label=${t("backups.download", { name })} title=${t("backups.download", { name })}><${Icon} name="download" /></a>
    <${PlacedMenu} id=${`backup-menu-${at}`} label=${t("backups.more_of", { name })} className="btn only quiet dense" button=${html`<${Icon} name="more" />`}><ul>
      <li><button type="button" disabled=${busy} onClick=${() => check(one)}><${Icon} name="check" />${t("backups.check")}</button></li>
      <li><button type="button" disabled=${busy} onClick=${drop}><${Icon} name="trash" />${t("backups.delete")}</button></li>
    </ul><//>
  </li>`;
}
