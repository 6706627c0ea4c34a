// API tokens for scripts and AI clients: made with the least that is needed, shown once, ended with one click.
import { api } from "../api.js";
import { formatExact, t } from "../i18n.js";
import { modelNamed } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Cancel, confirm, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { Select } from "../widgets/select.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Trouble, Waiting, sentence } from "../widgets/trouble.js";
import { useMine } from "./account_sessions.js";
import { SecretOnce, shownOnce } from "./data_secret.js";

const DAY_MS = 86_400_000;
/** What most tokens are for. @type {Record<string, string[]>} */
const USES = { read: ["api:read"], write: ["api"], tools: ["mcp"], all: ["api", "mcp"] };
const LIFETIMES = [30, 90, 365, 0];

export function Tokens() {
  const page = useMine("api_tokens");
  const { data, error, reload } = page;
  const [making, make] = useState(false);
  const [made, setMade] = useState(/** @type {any} */ (null));
  const model = /** @type {import("../types").Model} */ (modelNamed("api_tokens"));
  const remove = async (/** @type {any} */ token) => {
    if (!(await confirm({ heading: t("account.token_ask", { name: token.name }), words: t("account.token_words"), verb: t("account.token_remove"), danger: true }))) return;
    try {
      await api.delete(`/api/v1/api_tokens/${token.id}`);
      say(t("account.token_removed", { name: token.name }));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    reload();
  };
  const done = (/** @type {any} */ row) => {
    make(false);
    setMade(row);
    reload();
  };
  return html`<section class="card" aria-labelledby="account-tokens">
    <header><h2 id="account-tokens">${t("account.tokens")}</h2><span class="grow"></span>
      <button class="btn dense" type="button" onClick=${() => make(true)}><${Icon} name="plus" />${t("account.token_new")}</button></header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("account.error")} retry=${reload} /></div>`}
    <${Waiting} page=${page} rows=${1} />
    ${data && !data.length && html`<p class="body small soft">${t("account.no_tokens")}</p>`}
    <ul class="plain-list">${(data || []).map((one) => html`<li key=${one.id}>
      <${Icon} name="key" />
      <div class="grow min0"><p class="clip">${one.name}</p>
        <p class="small soft"><code>${one.prefix}…</code> ${one.scopes.join(", ")}${one.expires_at ? html`, <span title=${formatExact(one.expires_at)}>${t(Date.parse(one.expires_at) < Date.now() ? "account.token_expired" : "account.token_until")} <${Ago} iso=${one.expires_at} /></span>` : ""}</p></div>
      <span class="small muted desk-only">${one.last_used_at ? html`${t("account.token_used")} <${Ago} iso=${one.last_used_at} />` : t("account.token_unused")}</span>
      <button class="btn dense" type="button" aria-label=${t("account.token_remove_of", { name: one.name })} onClick=${() => remove(one)}>${t("account.token_remove")}</button>
    </li>`)}</ul>
    ${making && html`<${NewToken} close=${() => make(false)} done=${done} />`}
    ${made && html`<${SecretOnce} model=${model} secrets=${shownOnce(model, made)} close=${() => setMade(null)} />`}
  </section>`;
}

/** @param {{close: () => void, done: (row: any) => void}} props */
function NewToken({ close, done }) {
  const [name, setName] = useState("");
  const [use, setUse] = useState("read");
  const [days, setDays] = useState(90);
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [busy, once] = useBusy();
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    const expires = days ? new Date(Date.now() + days * DAY_MS).toISOString() : null;
    try {
      done((await api.post("/api/v1/api_tokens", { name: name.trim(), scopes: USES[use], expires_at: expires })).data);
    } catch (refused) {
      setProblem(refused);
    }
  };
  const said = problem && (problem.fields?.name?.message || Object.values(problem.fields || {})[0]?.message || sentence(problem));
  return html`<${Dialog} label="token-title" onClose=${close}>
    <h2 id="token-title">${t("account.token_new")}</h2>
    <form class="form" onSubmit=${submit}>
      <${Labelled} id="token-name" label=${t("account.token_name")} help=${t("account.token_name_help")}>
        <input class="input" id="token-name" value=${name} autocomplete="off" aria-describedby="token-name-help" onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><//>
      <fieldset class="stack bare"><legend class="label">${t("account.token_for")}</legend>
        ${Object.keys(USES).map((one) => html`<label class="choice" key=${one}><input type="radio" name="use" value=${one} checked=${use === one} onChange=${() => setUse(one)} />
          <span class="stack tight"><span>${t(`account.use_${one}`)}</span><code class="small muted">${USES[one].join(", ")}</code></span></label>`)}
      </fieldset>
      <${Labelled} id="token-days" label=${t("account.token_ends")}><${Select} id="token-days" value=${String(days)} onChange=${(/** @type {any} */ event) => setDays(Number(event.target.value))}>
          ${LIFETIMES.map((one) => html`<option key=${one} value=${String(one)}>${one ? t("account.days", { n: one }) : t("account.never")}</option>`)}
        <//><//>
      ${said && html`<div class="field"><${FieldError} text=${said} /></div>`}
      <footer><${Cancel} /><button class="btn primary" type="submit" disabled=${busy || !name.trim()}>${t("account.token_make")}</button></footer>
    </form>
  <//>`;
}
