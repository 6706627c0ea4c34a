// One line of the server's log: who wrote it, its traceback, and the request that it is about.
import { api } from "../api.js";
import { formatExact, t } from "../i18n.js";
import { href } from "../router.js";
import { modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { ActivityDrawer } from "./activity_frame.js";
import { LINE_SHAPES } from "./activity_level.js";

/** @param {{id: string, close: () => void, find: (words: string) => void}} props */
export function LineDrawer({ id, close, find }) {
  const loaded = useLoad(async (signal) => (await api.get(`/api/v1/server/log/lines/${encodeURIComponent(id)}`, { signal })).data, [id]);
  const line = loaded.data;
  return html`<${ActivityDrawer} loaded=${loaded} title=${line?.logger || t("serverlog.line")} at=${line?.time} label=${t("serverlog.line")} trouble=${t("serverlog.error_line")} close=${close}>
    ${line && html`<${Facts} line=${line} find=${find} />`}
  <//>`;
}

/** @param {{line: any, find: (words: string) => void}} props */
function Facts({ line, find }) {
  const text = line.more ? `${line.message}\n${line.more}` : line.message;
  const asked = useLoad(async (signal) => (line.request_id && modelNamed("requests") ? (await api.get("/api/v1/requests", { signal, query: new URLSearchParams({ request_id: line.request_id, limit: "1" }) })).data[0] : null), [line.request_id]);
  return html`
    <p><${State} kind=${LINE_SHAPES[line.level] || "off"}>${t(`serverlog.is_${(line.level || "none").toLowerCase()}`)}<//></p>
    <section class="stack">
      <div class="row"><h3 class="small strong grow">${t("serverlog.text")}</h3><${CopyButton} text=${text} label=${t("serverlog.copy")} /></div>
      <pre class="code wrap" tabindex="0" role="region" aria-label=${t("serverlog.text")}>${text}</pre>
      ${line.cut && html`<p class="small muted">${t("serverlog.cut")}</p>`}
    </section>
    <dl class="facts about-facts">
      <dt>${t("activity.at")}</dt><dd>${formatExact(line.time)}</dd>
      ${line.logger && html`<dt>${t("serverlog.logger")}</dt><dd><code>${line.logger}</code></dd>`}
      ${line.request_id && html`<dt>${t("activity.id")}</dt><dd class="row"><code>${line.request_id}</code><${CopyButton} text=${line.request_id} label=${t("activity.copy_id")} /></dd>`}
      ${asked.data && html`<dt>${t("activity.request")}</dt><dd><a class="link" href=${href("/activity/requests", { request: asked.data.id })}>${asked.data.method} ${asked.data.path}</a></dd>`}
    </dl>
    <div class="row wrap">
      ${line.request_id && html`<button class="btn dense" type="button" onClick=${() => find(line.request_id)}>${t("serverlog.same_request")}</button>`}
      ${line.logger && html`<button class="btn dense" type="button" onClick=${() => find(line.logger)}>${t("serverlog.same_logger")}</button>`}
    </div>`;
}
