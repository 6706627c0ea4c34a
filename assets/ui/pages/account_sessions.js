// Where one is signed in, and the programs that one has allowed to act.
import { api, request } from "../api.js";
import { t } from "../i18n.js";
import { person } from "../store.js";
import { html } from "../vendor/preact.js";
import { confirm } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Trouble, Waiting, sentence } from "../widgets/trouble.js";

const MOST = 100;

/** One's own records of a model, the latest used first. @param {string} model */
export function useMine(model) {
  return useLoad(async (signal) => /** @type {any[]} */ ((await api.get(`/api/v1/${model}`, { signal, query: `owner_id=${person.value?.id}&sort=-last_used_at&limit=${MOST}&total=false` })).data), [model]);
}

/** A browser's own description in words: "Firefox on Linux". @param {string|null} device */
export function deviceName(device) {
  const text = device || "";
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => text.includes(mark));
  const system = [["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS", "macOS"], ["Linux", "Linux"]].find(([mark]) => text.includes(mark));
  if (browser && system) return t("account.device", { browser: browser[1], system: system[1] });
  return text.slice(0, 60) || t("account.no_device");
}

/** Ends a session after a question: what it was signed in with is kept nowhere, so it can't be brought back. @param {any} session @returns {Promise<void>} */
export async function endSession(session) {
  const device = deviceName(session.device);
  if (!(await confirm({ heading: t("account.end_ask", { device }), words: t("account.end_words"), verb: t("account.end"), danger: true }))) return;
  try {
    await api.delete(`/api/v1/sessions/${session.id}`);
    say(t("account.ended"));
  } catch (problem) {
    say(sentence(problem), "bad");
  }
}

export function Sessions() {
  const page = useMine("sessions");
  const { data, error, reload } = page;
  const here = useLoad(async (signal) => (await request("GET", "/auth/me", { signal })).data.session_id, []).data;
  const end = async (/** @type {any} */ session) => {
    await endSession(session);
    reload();
  };
  const endOthers = async () => {
    if (!(await confirm({ heading: t("account.end_others_ask"), words: t("account.end_others_words"), verb: t("account.end_others"), danger: true }))) return;
    try {
      const ended = await request("POST", "/auth/sessions/revoke", { form: { which: "others" } });
      say(t("account.ended_n", { n: ended.data.ended }));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    reload();
  };
  return html`<section class="card" aria-labelledby="account-sessions">
    <header><h2 id="account-sessions">${t("account.sessions")}</h2><span class="grow"></span>
      ${data && data.length > 1 && html`<button class="btn dense" type="button" onClick=${endOthers}>${t("account.end_others")}</button>`}</header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("account.error")} retry=${reload} /></div>`}
    <${Waiting} page=${page} rows=${2} />
    <ul class="plain-list">${(data || []).map((one) => html`<li key=${one.id}>
      <${Icon} name="globe" />
      <div class="grow min0"><p class="clip" title=${one.device || undefined}>${deviceName(one.device)}</p><p class="small soft">${one.address || "–"}, <${Ago} iso=${one.last_used_at} /></p></div>
      ${one.id === here ? html`<span class="tag ok">${t("account.this_one")}</span>` : html`<button class="btn dense" type="button" onClick=${() => end(one)}>${t("account.end")}</button>`}
    </li>`)}</ul>
  </section>`;
}

export function Apps() {
  const page = useMine("oauth_tokens");
  const { data, error, reload } = page;
  const remove = async (/** @type {any} */ app) => {
    if (!(await confirm({ heading: t("account.app_ask", { name: app.client_name }), words: t("account.app_words"), verb: t("account.app_remove"), danger: true }))) return;
    try {
      await api.delete(`/api/v1/oauth_tokens/${app.id}`);
      say(t("account.app_removed", { name: app.client_name }));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    reload();
  };
  return html`<section class="card" aria-labelledby="account-apps">
    <header><h2 id="account-apps">${t("account.apps")}</h2></header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("account.error")} retry=${reload} /></div>`}
    <${Waiting} page=${page} rows=${1} />
    ${data && !data.length && html`<p class="body small soft">${t("account.no_apps")}</p>`}
    <ul class="plain-list">${(data || []).map((one) => html`<li key=${one.id}>
      <${Icon} name="link" />
      <div class="grow min0"><p class="clip">${one.client_name}</p><p class="small soft clip">${one.scopes.join(", ")}${one.last_used_at ? html`, <${Ago} iso=${one.last_used_at} />` : ""}</p></div>
      <button class="btn dense" type="button" onClick=${() => remove(one)}>${t("account.app_remove")}</button>
    </li>`)}</ul>
  </section>`;
}
