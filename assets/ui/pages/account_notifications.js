// What plugins notify one of, and which of it one would rather not hear.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { person } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

const KEY = "notifications.silent";

/** @typedef {{kind: string, plugin: string, label: string, description: string}} Kind */

async function load(/** @type {AbortSignal} */ signal) {
  const kinds = (await api.get("/api/v1/ui/notification-kinds", { signal })).data;
  // An admin may list everybody's.
  const kept = kinds.length ? (await api.get("/api/v1/preferences", { signal, query: `key=${KEY}&owner_id=${person.value?.id}` })).data : [];
  return { kinds, silent: Array.isArray(kept[0]?.value) ? kept[0].value : [] };
}

/** Nothing where no plugin has any. */
export function NotificationKinds() {
  const { data } = useLoad(load, []);
  const [silent, setSilent] = useState(/** @type {string[]} */ ([]));
  useEffect(() => setSilent(data?.silent || []), [data]);
  if (!data?.kinds.length) return null;
  const turn = async (/** @type {string} */ kind) => {
    const before = silent;
    const next = silent.includes(kind) ? silent.filter((one) => one !== kind) : [...silent, kind];
    setSilent(next);
    try {
      await api.post("/api/v1/preferences", { key: KEY, value: next }, { query: "upsert=key" });
    } catch (problem) {
      setSilent(before);
      say(sentence(problem), "bad");
    }
  };
  return html`<section class="card" aria-labelledby="account-kinds">
    <header><h2 id="account-kinds">${t("account.kinds")}</h2></header>
    <div class="body stack">${data.kinds.map((/** @type {Kind} */ one) => html`<div class="field" key=${one.kind}>
      <div class="check-row"><input class="check" type="checkbox" id=${`kind-${one.kind}`} checked=${!silent.includes(one.kind)} onChange=${() => turn(one.kind)} />
        <label for=${`kind-${one.kind}`}>${one.label}</label></div>
      <p class="help">${one.plugin}${one.description && html`: ${one.description}`}</p>
    </div>`)}</div>
  </section>`;
}
