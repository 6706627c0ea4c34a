// Bringing a backup back: a look at what it would bring, the phrase where it is needed, a typed yes, then the wait for the server.
import { api, request } from "../api.js";
import { formatExact, t } from "../i18n.js";
import { keep } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useLoad } from "../widgets/load.js";
import { Icon } from "../widgets/icon.js";
import { Labelled } from "../widgets/labelled.js";
import { Progress } from "../widgets/progress.js";
import { Skeleton, Trouble, sentence } from "../widgets/trouble.js";
import { Typed } from "../widgets/typed.js";
import { LostSecrets, ModelRows } from "./backups_report.js";

const LOOK_MS = 1000;
const PATIENCE_MS = 180_000;
/** What is typed to restore: the same in every language. */
const WORD = "restore";

/** @param {{backup: import("./backups.js").Backup, close: () => void, begun: () => void}} props */
export function RestoreDialog({ backup, close, begun }) {
  const path = `/api/v1/backups/${backup.name}/restore`;
  const { data, error, slow, reload } = useLoad(async (signal) => (await api.post(path, { dry_run: true }, { signal })).data, [path]);
  const [phrase, setPhrase] = useState("");
  const [without, setWithout] = useState(false);
  const [refused, setRefused] = useState("");
  const [busy, setBusy] = useState(false);
  const wanted = Boolean(data?.phrase_needed) && !without;
  const act = async () => {
    setBusy(true);
    setRefused("");
    try {
      await api.post(path, wanted ? { phrase } : { without_secrets: data.unreadable_secrets.length > 0 });
      close();
      begun();
    } catch (/** @type {any} */ failed) {
      setRefused(failed.fields?.phrase?.message || sentence(failed));
      setBusy(false);
    }
  };
  return html`<${Typed} heading=${t("restore.ask", { time: formatExact(backup.made_at || "") })} name=${data ? WORD : ""} verb=${t("restore.verb")} stay=${t("restore.stay")}
    cancel=${close} act=${act} ready=${Boolean(data) && !busy && (!wanted || phrase.trim() !== "")}>
    ${error && !data && html`<${Trouble} error=${error} what=${t("restore.unusable")} retry=${reload} />`}
    ${!data && slow && html`<${Skeleton} rows=${5} />`}
    ${data && html`<p>${t("restore.words")}</p><${ModelRows} models=${data.models} />`}
    ${data?.not_included.length > 0 && html`<details class="more small"><summary>${t("backups.left_out", { n: data.not_included.length })}</summary>
      <ul>${data.not_included.map((/** @type {any} */ left) => html`<li key=${left.what}><b>${left.what}</b>: ${left.why}</li>`)}</ul></details>`}
    ${wanted && html`<${Labelled} id="restore-phrase" label=${t("restore.phrase")} help=${t("restore.phrase_help")} error=${refused}>
      <textarea class="input mono" id="restore-phrase" rows="3" autocomplete="off" autocapitalize="none" spellcheck="false" value=${phrase} aria-invalid=${refused ? "true" : undefined}
        onInput=${(/** @type {any} */ event) => setPhrase(event.target.value)}></textarea><//>`}
    ${data?.phrase_needed && html`<div class="check-row"><input class="check" type="checkbox" id="restore-without" checked=${without}
      onChange=${(/** @type {any} */ event) => setWithout(event.target.checked)} /><label for="restore-without">${t("restore.without")}</label></div>`}
    ${data && !wanted && html`<${LostSecrets} lost=${data.unreadable_secrets} words=${t("restore.will_lose")} />`}
    ${refused && !wanted && html`<p class="note bad" role="alert"><${Icon} name="alert" /><span>${refused}</span></p>`}
    ${busy && html`<${Progress} label=${t("backups.progress")} words=${t("backups.doing_restore")} />`}
  <//>`;
}

/** @param {{kept: any, close: () => void, begun: () => void}} props */
export function UndoRestore({ kept, close, begun }) {
  const [refused, setRefused] = useState("");
  const act = async () => {
    try {
      await api.post("/api/v1/backups/restore/undo", { name: kept.name });
      close();
      begun();
    } catch (failed) {
      setRefused(sentence(failed));
    }
  };
  return html`<${Typed} heading=${t("restore.undo_ask")} name=${WORD} verb=${t("restore.undo")} stay=${t("restore.stay")} cancel=${close} act=${act}>
    <p>${t("restore.undo_words", { time: formatExact(kept.made_at) })}</p>
    ${refused && html`<p class="note bad" role="alert"><${Icon} name="alert" /><span>${refused}</span></p>`}
  <//>`;
}

/**
 * The server starts again with other data. Whoever is in it with a session that still counts goes on here, others sign in.
 * @param {{before: string}} props when the restore before this one had ended
 */
export function Returning({ before }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const since = Date.now();
    const timer = setInterval(async () => {
      if (Date.now() - since > PATIENCE_MS) setLate(true);
      try {
        const { data } = await request("GET", "/api/v1/backups/status", { anonymous: true });
        if ((data.last_restore?.finished_at || "") !== before) location.reload();
      } catch (/** @type {any} */ error) {
        if (error.status !== 401) return;
        keep("restored", "yes");
        location.reload();
      }
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<div class="column narrow"><section class="card" role="status"><div class="body pad stack">
    <h1 class="mid">${t("restore.away")}</h1>
    <${Progress} label=${t("backups.progress")} words=${t(late ? "restore.away_long" : "restore.away_words")} />
  </div></section></div>`;
}
