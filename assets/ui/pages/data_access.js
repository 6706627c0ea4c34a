// Why somebody may use a model or may not: each verb with the rules that count, as the server explains them.
import { api } from "../api.js";
import { curl } from "../curl.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { person } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Copyable } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { Select } from "../widgets/select.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { PartHead } from "./data_head.js";

const VERBS = ["list", "read", "create", "update", "delete"];

/** @param {{model: import("../types").Model}} props */
export function DataAccess({ model }) {
  const [user, setUser] = useState(person.value?.id || 0);
  const people = useLoad(async (signal) => (await api.get("/api/v1/users", { signal, query: "sort=username&limit=500&fields=id,username,role" })).data, []);
  const list = people.data || [];
  const chosen = list.find((/** @type {any} */ one) => one.id === user) || person.value;
  return html`<div class="area">
    <${PartHead} model=${model} heading=${t("access.title", { name: inSentence(model.label_plural) })} words=${t("access.words")}>
      <a class="btn" href=${href("/data/access_rules", { where: `model=${model.name}` })}><${Icon} name="shield" />${t("access.rules")}</a>
    <//>
    <div class="scroll"><div class="column narrow">
      ${people.error && !people.data && html`<${Trouble} error=${people.error} what=${t("access.error")} retry=${people.reload} />`}
      <${Labelled} id="access-user" label=${t("access.person")}>
        <${Select} id="access-user" value=${String(user)} onChange=${(/** @type {any} */ event) => setUser(Number(event.target.value))}>
          ${(list.length ? list : [chosen]).map((/** @type {any} */ one) => html`<option key=${one.id} value=${String(one.id)} selected=${one.id === user}>${one.username} (${one.role})</option>`)}
        <//>
      <//>
      <${Verbs} key=${user} model=${model} user=${user} name=${chosen?.username || ""} />
      <details class="more"><summary>${t("empty.or")}</summary>
        <${Copyable} text=${curl(`/api/v1/access/explain?model=${model.name}&verb=update&user=${user}`)} /></details>
    </div></div>
  </div>`;
}

/** One person's rights: nobody else's stand under their name, however late theirs come. @param {{model: import("../types").Model, user: number, name: string}} props */
function Verbs({ model, user, name }) {
  const { data, error, slow, reload } = useLoad(async (signal) => {
    const ask = (/** @type {string} */ verb) => api.get("/api/v1/access/explain", { signal, query: `model=${model.name}&verb=${verb}&user=${user}` });
    return (await Promise.all(VERBS.map(ask))).map((answer) => answer.data);
  }, [model.name]);
  if (error && !data) return html`<${Trouble} error=${error} what=${t("access.error")} retry=${reload} />`;
  if (!data) return slow && html`<${Skeleton} rows=${5} />`;
  return html`<section class="card" aria-labelledby="access-title">
    <header><h2 id="access-title">${t("access.of", { name })}</h2></header>
    <ul class="plain-list">${data.map((/** @type {any} */ one) => html`<li key=${one.verb}>
      <span class="verb">${t(`access.verb_${one.verb}`)}</span>
      <span class="extent"><i class=${`cell ${one.extent}`} aria-hidden="true"></i>${t(`access.extent_${one.extent}`)}</span>
      <p class="grow small soft">${one.reasons.map((/** @type {any} */ reason) => `${reason.source}: ${t(`access.extent_${reason.extent}`)} (${reason.from})`).join("; ") || t("access.no_reason")}
        ${one.hidden_fields.length > 0 && ` ${t("access.hidden", { fields: one.hidden_fields.join(", ") })}`}</p>
    </li>`)}</ul>
  </section>`;
}
