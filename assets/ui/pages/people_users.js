// The people of this server, and one of them in a drawer.
import { api } from "../api.js";
import { useFresh } from "../events.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { person } from "../store.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Avatar } from "../widgets/avatar.js";
import { Icon, State } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { nameOf } from "./people_data.js";
import { PersonDrawer } from "./people_person.js";

const STEP = 100;
const TYPING_MS = 200;
/** What is shown, as the API asks for it. @type {Record<string, string>} */
const SHOWN = { all: "", admin: "role=admin", member: "role=member", guest: "role=guest", off: "is_active=false" };

/** The rows, with what other models tell about each. @param {string} query @param {AbortSignal} signal */
async function loadPeople(query, signal) {
  const { data, count } = await api.get("/api/v1/users", { signal, query });
  const ids = data.map((/** @type {any} */ one) => one.id).join(",");
  if (!ids) return { people: [], count: 0 };
  const last = `group_by=owner_id&max=last_used_at&owner_id__in=${ids}&limit=1000`;
  const [members, factors, sessions, tokens] = await Promise.all([
    api.get("/api/v1/group_members", { signal, query: `user_id__in=${ids}&expand=group_id&limit=500&total=false` }),
    api.get("/api/v1/second_factors", { signal, query: `owner_id__in=${ids}&limit=500&total=false` }),
    api.get("/api/v1/sessions/aggregate", { signal, query: last }),
    api.get("/api/v1/api_tokens/aggregate", { signal, query: last }),
  ]);
  const used = [...sessions.data, ...tokens.data];
  const people = data.map((/** @type {any} */ user) => ({
    ...user,
    groups: members.data.filter((/** @type {any} */ one) => one.user_id === user.id).map((/** @type {any} */ one) => one.expand.group_id.name),
    factor: factors.data.some((/** @type {any} */ one) => one.owner_id === user.id && one.confirmed_at),
    seen: used.filter((one) => one.group.owner_id === user.id).map((one) => one.max.last_used_at).filter(Boolean).sort().pop() || null,
  }));
  return { people, count: count ?? people.length };
}

/** @param {{rest: string[], query: URLSearchParams}} props */
export function Users({ rest, query }) {
  const [size, setSize] = useState(STEP);
  const show = query.get("show") || "";
  const shown = Object.hasOwn(SHOWN, show) ? show : "all";
  const words = query.get("q") || "";
  const search = [SHOWN[shown], words && `q=${encodeURIComponent(words)}`, "sort=username:nocase", `limit=${size}`].filter(Boolean).join("&");
  const { data, error, slow, reload } = useLoad((signal) => loadPeople(search, signal), [search]);
  // One stream of events for the list and the drawer: a browser has few connections.
  const [round, setRound] = useState(0);
  const changed = () => {
    reload();
    setRound((n) => n + 1);
  };
  useFresh(["users", "groups", "group_members"], changed);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const move = (/** @type {Record<string, string>} */ changes) => go(href("/people/users", { ...Object.fromEntries(query), ...changes }), { replace: true });
  const type = (/** @type {any} */ event) => {
    const q = event.target.value;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => move({ q }), TYPING_MS);
  };
  const address = (/** @type {number|string} */ id) => href(`/people/users${id ? `/${id}` : ""}`, query);
  const close = () => {
    go(address(""));
    requestAnimationFrame(() => /** @type {HTMLElement|null} */ (document.querySelector(`[data-person="${rest[0]}"]`))?.focus());
  };
  return html`<div class="area people-area">
    <div class="scroll"><div class="column pad-top">
      <div class="row wrap wide">
        <div class="segmented" role="group" aria-label=${t("people.show")}>
          ${Object.keys(SHOWN).map((name) => html`<button key=${name} type="button" aria-pressed=${shown === name ? "true" : "false"} onClick=${() => move({ show: name === "all" ? "" : name })}>${t(`people.show_${name}`)}</button>`)}
        </div>
        <span class="input dense people-search"><${Icon} name="search" size=${14} /><input type="search" defaultValue=${words} placeholder=${t("people.search")} aria-label=${t("people.search")} onInput=${type} /></span>
      </div>
      ${error && !data && html`<${Trouble} error=${error} what=${t("people.error")} retry=${reload} />`}
      ${slow && !data && html`<section class="card"><${Skeleton} rows=${5} /></section>`}
      ${data && (data.people.length
        ? html`<div class="card"><div class="rows-head of-users" aria-hidden="true">${["user", "role", "groups", "state", "factor", "seen"].map((name) => html`<span key=${name}>${t(`people.${name}`)}</span>`)}</div>
            <ul class="rows" aria-label=${t("people.tab_users")}>${data.people.map((/** @type {any} */ user) => html`<${Line} key=${user.id} user=${user} to=${address(user.id)} open=${String(user.id) === rest[0]} />`)}</ul></div>`
        : html`<p class="note"><span>${t("people.no_match")}</span></p>`)}
      ${data && data.count > data.people.length && html`<div><button class="btn" type="button" onClick=${() => setSize(size + STEP)}>${t("people.more", { n: data.count - data.people.length })}</button></div>`}
      <p class="vh" role="status">${data && t("people.found", { n: data.count })}</p>
    </div></div>
    ${rest[0] && html`<${PersonDrawer} key=${rest[0]} id=${rest[0]} round=${round} close=${close} changed=${changed} />`}
  </div>`;
}

/** @param {{user: any, to: string, open: boolean}} props */
function Line({ user, to, open }) {
  const name = nameOf(user);
  return html`<li class=${open ? "open" : undefined}><a class="row-link of-users" href=${to} data-person=${user.id} aria-current=${open ? "true" : undefined}>
    <span class="row who"><${Avatar} id=${user.id} name=${name} /><span class="min0"><b class="clip">${name}</b><small class="clip">${user.username}${user.id === person.value?.id && ` · ${t("people.you")}`}</small></span></span>
    <span><span class="tag">${t(`people.role_${user.role}`)}</span></span>
    <span class="clip soft">${user.groups.join(", ")}</span>
    <span>${user.is_active ? html`<span class="soft desk-only">${t("people.active")}</span>` : html`<${State} kind="wait">${t("people.disabled")}<//>`}</span>
    <span class="soft">${user.factor ? html`<${Icon} name="shield" size=${16} label=${t("people.has_factor")} />` : html`<span aria-hidden="true" class="muted desk-only">–</span><span class="vh">${t("people.no_factor")}</span>`}</span>
    <span class="soft num">${user.seen ? html`<${Ago} iso=${user.seen} />` : html`<span class="muted">${t("people.never")}</span>`}</span>
  </a></li>`;
}
