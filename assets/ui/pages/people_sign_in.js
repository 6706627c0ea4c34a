// By what one person is signed in: the second factor, sessions, tokens and connected apps; all of it can be ended.
import { api, request } from "../api.js";
import { formatExact, t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Cancel, confirm, Dialog } from "../widgets/dialog.js";
import { State } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { PasswordInput } from "../widgets/password.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";
import { deviceName, endSession } from "./account_sessions.js";
import { attempt, nameOf } from "./people_data.js";

const MOST = 50;

/** What somebody has of a model, the latest used first. @param {string} model @param {number} user @param {number} round */
function useTheirs(model, user, round) {
  return useLoad(async (signal) => /** @type {any[]} */ ((await api.get(`/api/v1/${model}`, { signal, query: `owner_id=${user}&sort=-last_used_at&limit=${MOST}&total=false` })).data), [model, user, round]);
}

/** @param {{user: any, again: () => void}} props */
export function FactorOf({ user, again }) {
  const { data, reload } = useLoad(async (signal) => (await api.get("/api/v1/second_factors", { signal, query: `owner_id=${user.id}` })).data.find((/** @type {any} */ one) => one.confirmed_at) || null, [user.id]);
  const [asking, ask] = useState(false);
  return html`<li><div class="grow min0"><p>${t("factor.title")}</p>${data && html`<p class="small soft">${t("people.factor_since")} <${Ago} iso=${data.confirmed_at} /></p>`}</div>
    <${State} kind=${data ? "ok" : "off"}>${t(data ? "account.factor_on" : "account.factor_off")}<//>
    ${data && html`<button class="btn dense" type="button" onClick=${() => ask(true)}>${t("factor.remove")}</button>`}
    ${asking && html`<${RemoveFactor} user=${user} close=${() => ask(false)} done=${() => {
      ask(false);
      reload();
      again();
    }} />`}
  </li>`;
}

/** @param {{user: any, close: () => void, done: () => void}} props */
function RemoveFactor({ user, close, done }) {
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, once] = useBusy();
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    try {
      await request("POST", `/auth/users/${user.id}/second-factor/remove`, { form: { password }, anonymous: true });
      say(t("people.factor_removed", { name: nameOf(user) }));
      done();
    } catch (/** @type {any} */ problem) {
      setError(/** @type {any} */ (Object.values(problem.fields || {})[0])?.message || sentence(problem));
    }
  };
  return html`<${Dialog} label="factor-of-title" onClose=${close}>
    <h2 id="factor-of-title">${t("people.factor_ask", { name: nameOf(user) })}</h2>
    <p>${t("people.factor_words")}</p>
    <form class="form" onSubmit=${submit}>
      <${Labelled} id="admin-password" label=${t("people.your_password")}>
        <${PasswordInput} id="admin-password" name="password" autocomplete="current-password" value=${password} onInput=${setPassword} /><//>
      ${error && html`<div class="field"><${FieldError} text=${error} /></div>`}
      <footer><${Cancel} /><button class="btn danger" type="submit" disabled=${busy || !password}>${t("people.factor_do")}</button></footer>
    </form>
  <//>`;
}

/** @param {{user: any, round: number}} props */
export function PersonSessions({ user, round }) {
  const { data, reload } = useTheirs("sessions", user.id, round);
  const here = useLoad(async (signal) => (await request("GET", "/auth/me", { signal })).data.session_id, []).data;
  const endOne = async (/** @type {any} */ one) => {
    await endSession(one);
    reload();
  };
  const endAll = async () => {
    if (!(await confirm({ heading: t("people.sign_out_ask", { name: nameOf(user) }), words: t("people.sign_out_words"), verb: t("people.sign_out_all"), danger: true }))) return;
    await attempt(async () => {
      const { data: gone } = await api.delete("/api/v1/sessions/bulk", { query: `owner_id=${user.id}` });
      say(t("account.ended_n", { n: gone.count }));
    });
    reload();
  };
  return html`<${Things} id="person-sessions" heading=${t("people.their_sessions")} none=${t("people.no_sessions")} rows=${data}
    extra=${data && data.length > 1 && html`<button class="btn dense" type="button" onClick=${endAll}>${t("people.sign_out_all")}</button>`}
    draw=${(/** @type {any} */ one) => html`<li key=${one.id}>
      <div class="grow min0"><p class="clip" title=${one.device || undefined}>${deviceName(one.device)}</p><p class="small soft">${one.address || "–"}, <${Ago} iso=${one.last_used_at} /></p></div>
      ${one.id === here ? html`<span class="tag ok">${t("account.this_one")}</span>` : html`<button class="btn dense" type="button" aria-label=${t("people.sign_out_of", { device: deviceName(one.device) })} onClick=${() => endOne(one)}>${t("account.end")}</button>`}</li>`} />`;
}

/** Ends a token after a question: its secret is nowhere, so it can't be brought back. @param {any} token */
export async function endToken(token) {
  if (!(await confirm({ heading: t("account.token_ask", { name: token.name }), words: t("account.token_words"), verb: t("account.token_remove"), danger: true }))) return;
  if (await attempt(() => api.delete(`/api/v1/api_tokens/${token.id}`))) say(t("account.token_removed", { name: token.name }));
}

/** @param {any} app a permission that somebody gave @param {string} name of who gave it */
export async function endApp(app, name) {
  if (!(await confirm({ heading: t("account.app_ask", { name: app.client_name }), words: t("people.app_words", { name }), verb: t("account.app_remove"), danger: true }))) return;
  if (await attempt(() => api.delete(`/api/v1/oauth_tokens/${app.id}`))) say(t("account.app_removed", { name: app.client_name }));
}

/** What a token is good for and until when. @param {{token: any}} props */
function TokenFacts({ token }) {
  return html`<p class="small soft clip"><code>${token.prefix}…</code> ${token.scopes.join(", ")}${token.expires_at && html`, <span title=${formatExact(token.expires_at)}>${t(Date.parse(token.expires_at) < Date.now() ? "account.token_expired" : "account.token_until")} <${Ago} iso=${token.expires_at} /></span>`}</p>`;
}

/** @param {{user: any, round: number}} props */
export function PersonTokens({ user, round }) {
  const { data, reload } = useTheirs("api_tokens", user.id, round);
  return html`<${Things} id="person-tokens" heading=${t("account.tokens")} none=${t("people.no_tokens")} rows=${data}
    draw=${(/** @type {any} */ one) => html`<li key=${one.id}><div class="grow min0"><p class="clip">${one.name}</p><${TokenFacts} token=${one} /></div>
      <button class="btn dense" type="button" aria-label=${`${t("account.token_remove")}: ${one.name}`} onClick=${async () => {
        await endToken(one);
        reload();
      }}>${t("account.token_remove")}</button></li>`} />`;
}

/** @param {{user: any, round: number}} props */
export function PersonApps({ user, round }) {
  const { data, reload } = useTheirs("oauth_tokens", user.id, round);
  return html`<${Things} id="person-apps" heading=${t("account.apps")} none=${t("people.no_apps")} rows=${data}
    draw=${(/** @type {any} */ one) => html`<li key=${one.id}><div class="grow min0"><p class="clip">${one.client_name}</p><p class="small soft clip">${one.scopes.join(", ")}</p></div>
      <button class="btn dense" type="button" onClick=${async () => {
        await endApp(one, nameOf(user));
        reload();
      }}>${t("account.app_remove")}</button></li>`} />`;
}

/** A headed list in the drawer. @param {{id: string, heading: string, none: string, rows: any[]|null, extra?: any, draw: (row: any) => any}} props */
function Things({ id, heading, none, rows, extra, draw }) {
  return html`<section aria-labelledby=${id}><div class="row"><h3 class="grow" id=${id}>${heading}</h3>${extra}</div>
    ${rows && !rows.length && html`<p class="small soft">${none}</p>`}
    ${rows && rows.length > 0 && html`<ul class="plain-list tight-list">${rows.map(draw)}</ul>`}
  </section>`;
}
