// Backups, for admins: what there is, making one, bringing one back, and when they are made by themselves.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { formatBytes, formatExact, t } from "../i18n.js";
import { upload } from "../upload.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { PlacedMenu } from "../widgets/menu.js";
import { Progress } from "../widgets/progress.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Empty, Skeleton, Trouble, sentence } from "../widgets/trouble.js";
import { BackupList } from "./backups_list.js";
import { PhraseDialog } from "./backups_phrase.js";
import { RestoreReport } from "./backups_report.js";
import { RestoreDialog, Returning, UndoRestore } from "./backups_restore.js";
import { SettingsCard } from "./settings_fields.js";

const CALM_MS = 30_000;
const BUSY_MS = 700;

/** @typedef {{name: string, size: number, made_at: string|null, made_by: string|null, reason: string|null, kind: string|null, program_version: string|null, counts: Record<string, number>, secrets: string|null, not_included: {what: string, why: string}[], problem: string|null}} Backup */

async function load(/** @type {AbortSignal} */ signal) {
  const [list, status] = await Promise.all([api.get("/api/v1/backups", { signal }), api.get("/api/v1/backups/status", { signal })]);
  return { list: /** @type {Backup[]} */ (list.data), status: status.data };
}

/** @param {{group: string, settings: import("./settings.js").Setting[], reload: () => void}} props */
export function Backups({ group, settings, reload: readSettings }) {
  const { data, error, slow, reload, look } = useLoad(load, []);
  const [asked, setAsked] = useState(/** @type {null|"backup"|"move"|"phrase"} */ (null));
  const [restoring, setRestoring] = useState(/** @type {Backup|null} */ (null));
  const [undoing, setUndoing] = useState(/** @type {any} */ (null));
  const [away, setAway] = useState(false);
  const [busy, setBusy] = useState("");
  const [part, setPart] = useState(0);
  const input = useRef(/** @type {HTMLInputElement|null} */ (null));
  const running = busy || data?.status.running;
  useEffect(() => {
    if (away) return;
    const timer = setInterval(() => document.visibilityState === "visible" && look(), running ? BUSY_MS : CALM_MS);
    return () => clearInterval(timer);
  }, [Boolean(running), away]);
  const [, once] = useBusy();
  const run = (/** @type {string} */ what, /** @type {() => Promise<string|void>} */ act) => once(async () => {
    setBusy(what);
    setPart(0);
    try {
      const said = await act();
      if (said) say(said);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy("");
    reload();
  });
  const make = (/** @type {"backup"|"move"} */ kind, withoutPhrase = false) => run("backup", async () => {
    const { data: made } = await api.post("/api/v1/backups", { kind, without_phrase: withoutPhrase });
    return t(kind === "move" ? "backups.made_move" : "backups.made", { size: formatBytes(made.size) });
  });
  const begin = (/** @type {"backup"|"move"} */ kind, /** @type {MouseEvent} */ event) => {
    // A small one may be made before the second click of a double one.
    if (event.detail > 1) return;
    if (data?.status.phrase_kept) make(kind);
    else setAsked(kind);
  };
  const send = (/** @type {File} */ file) => run("upload", async () => {
    const kept = await upload("/api/v1/backups/upload", new URLSearchParams(), file, { onProgress: setPart });
    return t("backups.uploaded", { name: kept.name });
  });
  const check = (/** @type {Backup} */ one) => run("check", async () => {
    const { data: found } = await api.post(`/api/v1/backups/${one.name}/check`);
    if (found.problem) throw Object.assign(new Error(found.problem), { status: 422 });
    return t("backups.checked", { n: Object.values(/** @type {Record<string, number>} */ (found.counts)).reduce((sum, n) => sum + n, 0) });
  });
  const remove = (/** @type {Backup} */ one) => run("delete", async () => {
    await api.delete(`/api/v1/backups/${one.name}`);
    return t("backups.deleted");
  });
  const progress = busy === "upload" ? part : data?.status.running?.progress;
  const doing = busy || data?.status.running?.what;
  if (away) return html`<${Returning} before=${data?.status.last_restore?.finished_at || ""} />`;
  return html`<div class="scroll"><div class="column settings-column">
    <header class="page-head">
      <div class="say"><h1>${t("page.backups")}</h1><p>${t("backups.words")}</p></div>
      <div class="do">
        <input class="vh" type="file" accept=".zip" ref=${input} tabindex="-1" aria-hidden="true" id="backup-file" onChange=${(/** @type {any} */ event) => {
          if (event.target.files[0]) send(event.target.files[0]);
          event.target.value = "";
        }} />
        <${PlacedMenu} id="backups-menu" label=${t("backups.more")} className="btn only" button=${html`<${Icon} name="more" />`}><ul>
          <li><button type="button" disabled=${Boolean(running)} onClick=${() => input.current?.click()}><${Icon} name="upload" />${t("backups.upload")}</button></li>
          <li><button type="button" disabled=${Boolean(running)} onClick=${(/** @type {MouseEvent} */ event) => begin("move", event)}><${Icon} name="archive" />${t("backups.make_move")}</button></li>
          <li><button type="button" onClick=${() => setAsked("phrase")}><${Icon} name="key" />${t("phrase.new")}</button></li>
        </ul><//>
        ${data && data.list.length > 0 && html`<button class="btn primary" type="button" disabled=${Boolean(running)} onClick=${(/** @type {MouseEvent} */ event) => begin("backup", event)}><${Icon} name="archive" />${t("backups.make")}</button>`}
      </div>
    </header>
    ${error && !data && html`<${Trouble} error=${error} what=${t("backups.error")} retry=${reload} />`}
    ${!data && slow && html`<section class="card"><${Skeleton} rows=${5} /></section>`}
    ${data && html`<${RestoreReport} report=${data.status.last_restore} />`}
    ${doing && doing !== "delete" && html`<section class="card"><div class="body pad"><${Progress} label=${t("backups.progress")} part=${progress || null} words=${t(`backups.doing_${doing}`)} /></div></section>`}
    ${data && !data.list.length && html`<${Empty} heading=${t("backups.none")} words=${t("backups.none_words")}
      curl=${curl("/api/v1/backups", { method: "POST" })}>
      <button class="btn primary" type="button" disabled=${Boolean(running)} onClick=${(/** @type {MouseEvent} */ event) => begin("backup", event)}><${Icon} name="archive" />${t("backups.make_first")}</button>
    <//>`}
    ${data && data.list.length > 0 && html`<${Summary} list=${data.list} status=${data.status} />
      <${BackupList} list=${data.list} busy=${Boolean(running)} restore=${setRestoring} check=${check} remove=${remove} />`}
    ${data && data.status.undo.length > 0 && html`<section class="card" aria-labelledby="undo-title">
      <header><h2 id="undo-title">${t("restore.replaced")}</h2></header>
      <ul class="plain-list">${data.status.undo.map((/** @type {any} */ one) => html`<li key=${one.name}>
        <div class="grow stack tight"><p class="small">${t("restore.replaced_at")} <${Ago} iso=${one.made_at} /></p>
          <p class="tiny muted">${t("restore.kept_until", { time: formatExact(one.until), size: formatBytes(one.size) })}</p></div>
        <button class="btn dense" type="button" disabled=${Boolean(running)} onClick=${() => setUndoing(one)}><${Icon} name="history" />${t("restore.undo")}</button>
      </li>`)}</ul>
    </section>`}
    ${data && html`<section class="stack" aria-labelledby="schedule-title"><h2 class="settings-heading" id="schedule-title">${t("schedule.title")}</h2>
      <${SettingsCard} settings=${settings.filter((one) => one.group === group)} reload=${() => {
        readSettings();
        reload();
      }} /></section>`}
    ${asked && html`<${PhraseDialog} first=${!data?.status.phrase_kept} close=${() => setAsked(null)}
      skip=${asked === "phrase" ? null : () => {
        setAsked(null);
        make(/** @type {"backup"|"move"} */ (asked), true);
      }}
      kept=${() => {
        setAsked(null);
        reload();
        if (asked === "phrase") say(t("phrase.kept"));
        else make(/** @type {"backup"|"move"} */ (asked));
      }} />`}
    ${restoring && html`<${RestoreDialog} backup=${restoring} close=${() => setRestoring(null)} begun=${() => setAway(true)} />`}
    ${undoing && html`<${UndoRestore} kept=${undoing} close=${() => setUndoing(null)} begun=${() => setAway(true)} />`}
  </div></div>`;
}

/** Whether one can be calm, in a sentence. @param {{list: Backup[], status: any}} props */
function Summary({ list, status }) {
  const whole = list.find((one) => !one.problem && one.made_at);
  const failed = status.last?.error;
  const kind = failed || !whole ? "bad" : !status.phrase_kept ? "warn" : "good";
  const size = formatBytes(list.reduce((sum, one) => sum + one.size, 0));
  return html`<div class=${`note ${kind}`}><${Icon} name=${kind === "good" ? "shield" : "alert"} /><div>
    ${failed ? html`<b>${t("backups.last_failed")}</b> ${failed}` : whole ? html`<b>${t("backups.last_good")} <${Ago} iso=${whole.made_at || ""} />.</b>` : html`<b>${t("backups.no_whole")}</b>`}
    ${" "}${t("backups.use", { n: list.length, size })}
    ${status.next_at && html` ${t("backups.next", { time: formatExact(status.next_at) })}`}
    ${!status.phrase_kept && html` ${t("backups.no_phrase")}`}
    ${status.copies?.problem && html` ${t("backups.copy_failed", { folder: status.copies.folder })} ${status.copies.problem}`}
  </div></div>`;
}
