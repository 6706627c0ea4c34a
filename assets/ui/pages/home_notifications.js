// The latest notifications; reading one takes it off the bell.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { base, person, unread } from "../store.js";
import { html, useEffect } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Trouble, Waiting, sentence } from "../widgets/trouble.js";

const LATEST = 6;
const CALM_MS = 30_000;
/** @type {Record<string, string>} */
const SHAPES = { info: "off", success: "ok", warning: "warn", error: "bad" };

async function load(/** @type {AbortSignal} */ signal) {
  // An admin may list everybody's: home shows one's own.
  const own = `owner_id=${person.value?.id}`;
  const latest = await api.get("/api/v1/notifications", { signal, query: `${own}&sort=-id&limit=${LATEST}` });
  const waiting = await api.get("/api/v1/notifications", { signal, query: `${own}&is_read=false&limit=1` });
  unread.value = waiting.count ?? 0;
  return latest.data;
}

export function Notifications() {
  const page = useLoad(load, []);
  const { data, error, reload, look } = page;
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && look(), CALM_MS);
    return () => clearInterval(timer);
  }, []);
  const read = async (/** @type {any} */ one) => {
    try {
      await api.patch(`/api/v1/notifications/${one.id}`, { is_read: true });
      reload();
    } catch (problem) {
      say(sentence(problem), "bad");
    }
  };
  return html`<section class="card" aria-labelledby="notifications-title">
    <header>
      <h2 id="notifications-title">${t("notifications.title")}</h2>
      <span class="grow">${unread.value > 0 && t("notifications.unread", { n: unread.value })}</span>
      ${data?.length > 0 && html`<a class="btn quiet dense" href=${href("/data/notifications", { sort: "-id" })}>${t("notifications.all")}<${Icon} name="right" /></a>`}
    </header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("notifications.error")} retry=${reload} /></div>`}
    <${Waiting} page=${page} rows=${3} />
    ${data && !data.length && html`<p class="body small soft">${t("notifications.none")}</p>`}
    <ul class="plain-list news">
      ${(data || []).map((/** @type {any} */ one) => html`<${Item} key=${one.id} one=${one} read=${read} />`)}
    </ul>
  </section>`;
}

/** @param {{one: any, read: (one: any) => void}} props */
function Item({ one, read }) {
  const address = safeAddress(one.action_url);
  return html`<li class=${one.is_read ? "seen" : ""}>
    <${State} kind=${SHAPES[one.severity] || "off"} title=${one.severity}><span class="vh">${one.severity}</span><//>
    <div class="grow stack tight">
      <p class=${one.is_read ? "soft clip" : "strong clip"}>${address ? html`<a href=${address}>${one.title}</a>` : one.title}</p>
      <p class="tiny muted clip">${[one.source, one.message].filter(Boolean).join(" · ")}</p>
    </div>
    <span class="tiny muted when"><${Ago} iso=${one.created_at} /></span>
    ${one.is_read
      ? html`<span class="btn only dense quiet ghost" aria-hidden="true"></span>`
      : html`<button class="btn only quiet dense" type="button" onClick=${() => read(one)}
          aria-label=${t("notifications.read", { title: one.title })} title=${t("notifications.mark")}><${Icon} name="check" /></button>`}
  </li>`;
}

/** A notification may come from anywhere: only http, https and places of this server become links. @param {string|null} address */
function safeAddress(address) {
  if (!address) return null;
  if (address.startsWith("/") && !address.startsWith("//")) return `${base}${address}`;
  return /^(https?:\/\/|#\/)/i.test(address) ? address : null;
}
