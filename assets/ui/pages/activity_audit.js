// The audit log, or the sign-ins of it: who did what, from where. It grows while one looks.
import { api } from "../api.js";
import { formatExact, t } from "../i18n.js";
import { go, href } from "../router.js";
import { modelNamed } from "../store.js";
import { html, useEffect } from "../vendor/preact.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { SearchField } from "../widgets/search_field.js";
import { Select } from "../widgets/select.js";
import { Ago } from "../widgets/time.js";
import { Empty, Skeleton, Trouble } from "../widgets/trouble.js";

const PAGE = 50;
const MOST = 500;
const LOOK_MS = 5000;
const BAD = ["sign_in_failed", "sign_in_throttled", "password_refused"];
const FIELDS = ["about", "model", "record_id", "fields", "detail", "address", "through"];

/** @param {{place: string, query: URLSearchParams, kinds: string[]}} props `kinds`: only these, none: all */
export function Audit({ place, query, kinds }) {
  const kind = query.get("kind") || "";
  const words = query.get("q") || "";
  const actor = query.get("by") || "";
  const shown = Math.min(Number(query.get("shown")) || PAGE, MOST);
  const search = new URLSearchParams({ sort: "-id", limit: String(shown) });
  if (kind) search.set("kind", kind);
  else if (kinds.length) search.set("kind__in", kinds.join(","));
  if (words) search.set("q", words);
  if (actor) search.set("actor_name", actor);
  const { data, error, slow, reload, look } = useLoad((signal) => api.get("/api/v1/audit_entries", { signal, query: search }), [search.toString()]);
  const known = useLoad(async (signal) => (await api.get("/api/v1/audit_entries/aggregate", { signal, query: "group_by=kind" })).data, []);
  // Nobody is sent an event for an entry: it may tell what was hidden from them.
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && look(), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const narrow = (/** @type {Record<string, string|number>} */ next) => go(href(place, { kind, q: words, by: actor, ...next }), { replace: true });
  const choices = (kinds.length ? kinds : (known.data || []).map((/** @type {any} */ one) => one.group.kind)).toSorted();
  const rows = data?.data || [];
  return html`<div class="scroll"><div class="column pad-top">
    <div class="row wrap calls-bar" role="search" aria-label=${t("activity.filter")}>
      <${Select} aria-label=${t("audit.kind")} value=${kind} onChange=${(/** @type {any} */ event) => narrow({ kind: event.target.value })}>
        <option value="">${t("audit.all_kinds")}</option>${choices.map((/** @type {string} */ one) => html`<option key=${one} value=${one} selected=${one === kind}>${spoken(one)}</option>`)}<//>
      <${SearchField} label=${t("audit.search")} value=${words} search=${(/** @type {string} */ q) => narrow({ q })} />
      ${actor && html`<span class="chip"><span>${t("activity.by")}</span><b>${actor}</b><button type="button" aria-label=${t("activity.all_people")} onClick=${() => narrow({ by: "" })}><${Icon} name="close" /></button></span>`}
      <span class="grow"></span><span class="small muted num" role="status">${data && t("audit.count", { n: data.count ?? rows.length })}</span>
    </div>
    ${error && !data && html`<${Trouble} error=${error} what=${t("audit.error")} retry=${reload} />`}
    ${slow && !data && html`<section class="card"><${Skeleton} rows=${8} /></section>`}
    ${data && !rows.length && (kind || words || actor
      ? html`<p class="row"><span>${t("audit.no_match")}</span><button class="btn dense" type="button" onClick=${() => go(href(place))}>${t("filter.clear")}</button></p>`
      : html`<${Empty} heading=${t("audit.none")} words=${t("audit.none_words")} />`)}
    ${rows.length > 0 && html`<ul class="card calls audit">${rows.map((/** @type {any} */ one) => html`<${Entry} key=${one.id} entry=${one} by=${(/** @type {string} */ name) => narrow({ by: name })} />`)}</ul>`}
    ${(data?.count ?? 0) > rows.length && shown < MOST && html`<div><button class="btn" type="button" onClick=${() => narrow({ shown: shown + 3 * PAGE })}>${t("history.more")}</button></div>`}
  </div></div>`;
}

/** A kind as words: plugins have kinds of their own. @param {string} kind */
function spoken(kind) {
  const words = kind.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** @param {{entry: any, by: (name: string) => void}} props */
function Entry({ entry, by }) {
  const model = entry.model && (modelNamed(entry.model)?.label || entry.model);
  const about = [model, entry.about].filter(Boolean).join(": ") || entry.detail || "";
  const bad = BAD.includes(entry.kind);
  return html`<li><details>
    <summary>
      <${State} kind=${bad ? "warn" : "off"} title=${bad ? t("audit.refused") : undefined}>${bad && html`<span class="vh">${t("audit.refused")}</span>`}<//>
      <span class="clip">${spoken(entry.kind)} <span class="muted">${about}</span></span>
      <span class="who clip">${entry.actor_name}</span>
      <span class="small num clip who">${entry.address || ""}</span>
      <span class="small muted when num"><${Ago} iso=${entry.created_at} /></span>
    </summary>
    <div class="call-body stack"><dl class="facts about-facts">
      <dt>${t("activity.at")}</dt><dd>${formatExact(entry.created_at)}</dd>
      <dt>${t("activity.by")}</dt><dd class="row"><span>${entry.actor_name}</span><button class="btn quiet dense" type="button" onClick=${() => by(entry.actor_name)}>${t("audit.more_of")}</button></dd>
      ${FIELDS.filter((name) => entry[name] !== null && entry[name]?.length !== 0).map((name) => html`<dt key=${name}>${t(`audit.field_${name}`)}</dt><dd key=${`${name}.`}>${name === "record_id" && modelNamed(entry.model) ? html`<a class="link" href=${href(`/data/${entry.model}`, { record: entry.record_id })}>${entry.record_id}</a>` : [entry[name]].flat().join(", ")}</dd>`)}
    </dl></div>
  </details></li>`;
}
