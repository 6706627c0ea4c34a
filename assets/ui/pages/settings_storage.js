// Where the bytes are: disk, database and each log beside its limit, a check of the file, and what happens on a full disk.
import { api, request } from "../api.js";
import { formatBytes, formatExact, formatPercent, t } from "../i18n.js";
import { href } from "../router.js";
import { modelNamed, server } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Trouble, Waiting, sentence } from "../widgets/trouble.js";
import { SettingsCard } from "./settings_fields.js";
import { Place } from "./settings_place.js";
import { shownLimit } from "./settings_value.js";

const LOOK_MS = 2000;
const FULL = 0.9;

/** @param {{group: string, settings: import("./settings.js").Setting[], reload: () => void}} props */
export function Storage({ group, settings, reload }) {
  const page = useLoad(async (signal) => (await request("GET", "/api/v1/server", { signal })).data, []);
  const storage = page.data?.storage;
  const [busy, setBusy] = useState(false);
  const running = storage?.check?.state === "running";
  useEffect(() => {
    if (page.data) server.value = page.data;
    if (!running) return;
    const timer = setTimeout(page.reload, LOOK_MS);
    return () => clearTimeout(timer);
  }, [page.data]);
  const check = async () => {
    setBusy(true);
    try {
      await api.post("/api/v1/server/check-file");
      page.reload();
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
  };
  return html`<div class="scroll"><div class="column settings-column settles">
    <header class="page-head"><div class="say"><h1>${t("settings.group_storage")}</h1><p>${t("settings.words_storage")}</p></div>
      <div class="do"><button class="btn" type="button" disabled=${busy || running || !storage} onClick=${check}><${Icon} name="shield" />${t("space.check")}</button></div></header>
    ${page.error && !storage && html`<${Trouble} error=${page.error} what=${t("space.error")} retry=${page.reload} />`}
    ${!storage && !page.error && html`<section class="card"><${Waiting} page=${page} rows=${14} /></section>`}
    ${storage?.check && html`<div class=${`note ${storage.check.state === "whole" ? "good" : storage.check.state === "running" ? "" : "bad"}`} role="status"><${Icon} name=${storage.check.state === "whole" ? "check" : "info"} />
      <span>${t(`storage.check_${storage.check.state}`)} ${storage.check.found} ${!running && formatExact(storage.check.at)}</span></div>`}
    ${storage?.space && html`<${Space} storage=${storage} />`}
    <${Place} />
    <${SettingsCard} settings=${settings.filter((one) => one.group === group)} reload=${reload} />
  </div></div>`;
}

/** @param {{storage: any}} props */
function Space({ storage }) {
  const { space } = storage;
  const figures = [["free", storage.free_bytes], ["database", space.database_bytes], ["wal", space.wal_bytes], ["free_pages", space.free_page_bytes]];
  const logs = Object.entries(/** @type {Record<string, {bytes: number, cap: number}>} */ (space.logs)).sort(([, one], [, other]) => other.bytes - one.bytes);
  return html`<dl class="figures">${figures.map(([name, bytes]) => html`<div class="card" key=${name}><dt>${t(`space.${name}`)}</dt><dd>${bytes === null ? "–" : formatBytes(bytes)}</dd></div>`)}</dl>
    <section class="card" aria-labelledby="space-logs">
      <header><h2 id="space-logs">${t("space.logs")}</h2><span class="grow"></span><a class="btn quiet dense" href=${href("/settings/kept")}>${t("space.limits")}</a></header>
      <div class="speeds" tabindex="0" role="group" aria-label=${t("space.logs")}><table>
        <thead><tr><th scope="col">${t("space.log")}</th><th scope="col" class="chart"><span class="vh">${t("space.part")}</span></th><th scope="col" class="num">${t("space.used")}</th><th scope="col" class="num">${t("space.cap")}</th></tr></thead>
        <tbody>${logs.map(([name, { bytes, cap }]) => html`<tr key=${name}><th scope="row">${modelNamed(name)?.label_plural || name} <code class="muted">${name}</code></th>
          <td class="chart"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="bed" width="100" height="8" rx="2" /><rect class="mid" width=${Math.min(100, Math.max(bytes ? 1 : 0, (bytes / cap) * 100))} height="8" rx="2" /></svg></td>
          <td class="num">${bytes / cap > FULL ? html`<${State} kind="warn">${formatBytes(bytes)}<//>` : formatBytes(bytes)}</td><td class="num" title=${formatPercent(bytes / cap)}>${shownLimit(cap)}</td></tr>`)}</tbody>
      </table></div>
    </section>`;
}
