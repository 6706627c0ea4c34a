// What plugins notify one of, and which of it one would rather not hear.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { isAdmin, person } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

const KEY = "notifications.silent";
const DESKTOP = "notifications.desktop";

/** @typedef {{kind: string, plugin: string, label: string, description: string}} Kind */

async function load(/** @type {AbortSignal} */ signal) {
  const kinds = (await api.get("/api/v1/ui/notification-kinds", { signal })).data;
  // An admin may list everybody's.
  const query = `key__in=${KEY},${DESKTOP}&owner_id=${person.value?.id}`;
  const kept = kinds.length || isAdmin() ? (await api.get("/api/v1/preferences", { signal, query })).data : [];
  const value = (/** @type {string} */ key) => kept.find((/** @type {{key: string}} */ one) => one.key === key)?.value;
  return { kinds, silent: Array.isArray(value(KEY)) ? value(KEY) : [], desktop: value(DESKTOP) !== false };
}

/** Nothing where there is nothing to choose: the tray tells an admin's, and plugins have kinds. */
export function NotificationKinds() {
  const { data } = useLoad(load, []);
  const [silent, setSilent] = useState(/** @type {string[]} */ ([]));
  const [desktop, setDesktop] = useState(true);
  useEffect(() => { setSilent(data?.silent || []); setDesktop(data?.desktop ?? true); }, [data]);
  if (!data || (!data.kinds.length && !isAdmin())) return null;
  const keep = async (/** @type {string} */ key, /** @type {unknown} */ value, /** @type {() => void} */ takeBack) => {
    try {
      await api.post("/api/v1/preferences", { key, value }, { query: "upsert=key" });
    } catch (problem) {
      takeBack();
      say(sentence(problem), "bad");
    }
  };
  const turnDesktop = () => {
    setDesktop(!desktop);
    return keep(DESKTOP, !desktop, () => setDesktop(desktop));
  };
  const turn = (/** @type {string} */ kind) => {
    const before = silent;
    const next = silent.includes(kind) ? silent.filter((one) => one !== kind) : [...silent, kind];
    setSilent(next);
    return keep(KEY, next, () => setSilent(before));
  };
  return html`<section class="card" aria-labelledby="account-kinds">
    <header><h2 id="account-kinds">${t("account.kinds")}</h2></header>
    <div class="body stack">${isAdmin() && html`<div class="field">
      <div class="check-row"><input class="check" type="checkbox" id="notify-desktop" checked=${desktop} onChange=${turnDesktop} />
        <label for="notify-desktop">${t("account.on_desktop")}</label></div>
      <p class="help">${t("account.on_desktop_help")}</p>
    </div>`}${data.kinds.map((/** @type {Kind} */ one) => html`<div class="field" key=${one.kind}>
      <div class="check-row"><input class="check" type="checkbox" id=${`kind-${one.kind}`} checked=${!silent.includes(one.kind)} onChange=${() => turn(one.kind)} />
        <label for=${`kind-${one.kind}`}>${one.label}</label></div>
      <p class="help">${one.plugin}${one.description && html`: ${one.description}`}</p>
    </div>`)}</div>
  </section>`;
}
