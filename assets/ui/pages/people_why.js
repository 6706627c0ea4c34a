// Why somebody may do something, or may not: with records, and with tools, as the server itself decides it.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { modelNamed, models, person } from "../store.js";
import { html } from "../vendor/preact.js";
import { Choice } from "../widgets/choice.js";
import { Copyable } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { Trouble } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { VERBS } from "./people_access.js";
import { nameOf, useEverybody } from "./people_data.js";
import { WhyTool } from "./people_why_tool.js";

const EXTENTS = ["none", "own", "all"];

/** @param {{query: URLSearchParams}} props */
export function Why({ query }) {
  const everybody = useEverybody().data || [];
  const user = Number(query.get("user")) || person.value?.id || 0;
  const known = models.value || [];
  const model = known.find((one) => one.name === query.get("model")) || modelNamed("notes") || known[0];
  const verb = VERBS.includes(query.get("verb") || "") ? /** @type {string} */ (query.get("verb")) : "read";
  const record = query.get("id") || "";
  const move = (/** @type {Record<string, string>} */ changes) => go(href("/people/why", { ...Object.fromEntries(query), ...changes }), { replace: true });
  const set = (/** @type {string} */ name) => (/** @type {any} */ event) => move({ [name]: event.target.value.trim() });
  const asked = `model=${model.name}&verb=${verb}&user=${user}${/^\d{1,15}$/.test(record) ? `&id=${record}` : ""}`;
  const { data, error, reload } = useLoad(async (signal) => (await api.get("/api/v1/access/explain", { signal, query: asked })).data, [asked]);
  const people = everybody.length ? everybody : person.value ? [person.value] : [];
  return html`<div class="scroll"><div class="column pad-top">
    <div class="narrow-field"><${Choice} id="why-user" label=${t("access.person")} value=${String(user)} choose=${set("user")} options=${people.map((/** @type {any} */ one) => [String(one.id), `${nameOf(one)} (${t(`people.role_${one.role}`)})`])} /></div>
    <div class="two-cards">
      <section class="card" aria-labelledby="why-records"><header><h2 id="why-records">${t("why.records")}</h2></header>
        <div class="body stack wide">
          <div class="ask-row">
            <${Choice} id="why-verb" label=${t("why.verb")} value=${verb} choose=${set("verb")} options=${VERBS.map((one) => [one, t(`access.verb_${one}`)])} />
            <${Choice} id="why-model" label=${t("why.model")} value=${model.name} choose=${set("model")} options=${known.map((one) => [one.name, one.label_plural])} />
            <${Labelled} id="why-id" label=${t("why.record")}><input class="input" id="why-id" inputmode="numeric" autocomplete="off" placeholder=${t("why.any")} value=${record} onInput=${set("id")} /><//>
          </div>
          ${error && html`<${Trouble} error=${error} what=${t("access.error")} retry=${reload} />`}
          ${data && !error && html`<${Answer} data=${data} model=${model} />`}
          <details class="more"><summary>${t("empty.or")}</summary><${Copyable} text=${curl(`/api/v1/access/explain?${asked}`)} /></details>
        </div></section>
      <${WhyTool} user=${user} query=${query} move=${move} />
    </div>
  </div></div>`;
}

/** @param {{data: any, model: import("../types").Model}} props */
function Answer({ data, model }) {
  // The widest of what is granted counts.
  const widest = Math.max(...data.reasons.map((/** @type {any} */ one) => EXTENTS.indexOf(one.extent)), 0);
  const decides = (/** @type {any} */ one) => EXTENTS.indexOf(one.extent) === widest;
  const words = { name: data.user.username, verb: t(`access.verb_${data.verb}`).toLowerCase(), model: inSentence(model.label_plural) };
  return html`<div class="why-answer stack" aria-live="polite">
    <p class="verdict"><${Icon} name=${data.allowed ? "check" : "lock"} /><b>${t(data.record ? (data.allowed ? "why.yes_record" : "why.no_record") : `why.says_${data.extent}`, { ...words, n: data.record?.id ?? 0 })}</b></p>
    ${data.record && html`<p class="small soft">${t("why.because", { why: data.record.why })}</p>`}
    <div class="why bare"><ol>${data.reasons.map((/** @type {any} */ one) => html`<li key=${`${one.source}${one.rule_id}`} class=${decides(one) ? "won" : undefined}>
      <b class="says">${t("why.reason", { source: one.source, extent: t(`access.extent_${one.extent}`) })}</b>${one.rule_id === null ? t("why.default") : html`<a href=${href("/data/access_rules", { record: one.rule_id })}>${t("why.rule", { n: one.rule_id })}</a>`}${decides(one) && ` ${t("matrix.decides")}`}
    </li>`)}</ol></div>
    ${data.hidden_fields.length > 0 && html`<p class="small soft">${t("access.hidden", { fields: data.hidden_fields.join(", ") })}</p>`}
  </div>`;
}
