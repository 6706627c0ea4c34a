// Deleted records of a model that can still be brought back.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { may } from "../store.js";
import { nameOf } from "../undo.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Empty, Skeleton, Trouble, sentence } from "../widgets/trouble.js";
import { inSentence, titleOf } from "../widgets/words.js";
import { PartHead } from "./data_head.js";

const STEP = 50;

/** @param {{model: import("../types").Model}} props */
export function Deleted({ model }) {
  const [shown, setShown] = useState(STEP);
  const [busy, setBusy] = useState(0);
  const path = `/api/v1/${model.name}`;
  const { data, error, slow, reload } = useLoad(async (signal) => api.get(`${path}/deleted`, { signal, query: `limit=${shown}` }), [path, shown]);
  const bringBack = async (/** @type {any} */ entry) => {
    setBusy(entry.id);
    try {
      const answer = await api.post(`${path}/${entry.record_id}/restore`);
      const open = () => go(href(`/data/${model.name}`, { record: String(answer.data.id) }));
      say(t("deleted.back", { title: titleOf(model, answer.data) }), "ok", { label: t("deleted.open"), run: open });
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(0);
    reload();
  };
  const rows = data?.data || [];
  const name = inSentence(model.label_plural);
  return html`<div class="area">
    <${PartHead} model=${model} heading=${t("deleted.title", { name })} words=${t("deleted.words")} />
    <div class="scroll">
      ${error && !data && html`<div class="column"><${Trouble} error=${error} what=${t("deleted.error")} retry=${reload} /></div>`}
      ${!data && slow && html`<${Skeleton} rows=${8} />`}
      ${data && !rows.length && html`<${Empty} heading=${t("deleted.none", { name })} words=${t("deleted.none_words")}
        curl=${curl(`${path}/deleted`)}>
        <a class="btn primary" href=${href(`/data/${model.name}`)}>${t("deleted.to_all", { name })}</a>
      <//>`}
      ${rows.length > 0 && html`<ul class="plain-list deleted">
        ${rows.map((/** @type {any} */ entry) => html`<li key=${entry.id}>
          <div class="grow stack tight">
            <p class="strong clip">${titleOf(model, { ...entry.before, id: entry.record_id })}</p>
            <p class="tiny muted clip"><span class="mono">${model.name}/${entry.record_id}</span> · ${t("deleted.by", { name: entry.actor_name })} <${Ago} iso=${entry.at} /></p>
          </div>
          ${may(model, "create") && html`<button class="btn dense" type="button" disabled=${busy === entry.id} onClick=${() => bringBack(entry)}>
            <${Icon} name="history" />${t("deleted.bring_back")}
          </button>`}
        </li>`)}
      </ul>`}
      ${data && data.count !== null && data.count > rows.length && html`<div class="column pad-top"><div><button class="btn" type="button" onClick=${() => setShown(Math.min(500, shown + 150))}>${t("deleted.more", { n: data.count - rows.length, name: nameOf(model, 2) })}</button></div></div>`}
    </div>
  </div>`;
}
