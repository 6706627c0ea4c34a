// Calls that programs want to make and a person decides about; what was decided, and the way to take it back.
import { api } from "../api.js";
import { useEvents } from "../events.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, person } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon, State } from "../widgets/icon.js";
import { JsonCode } from "../widgets/json_code.js";
import { useLoad } from "../widgets/load.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Empty, Skeleton, Trouble, sentence } from "../widgets/trouble.js";

const MODEL = "mcp_approvals";
const MOST = 100;
/** @type {Record<string, "ok"|"bad"|"off">} */
const SHAPES = { approved: "ok", denied: "bad", used: "off", ended: "off" };

/** One's own approvals; the pending ones first. */
export function useApprovals() {
  const load = useLoad(async (signal) => /** @type {any[]} */ ((await api.get(`/api/v1/${MODEL}`, { signal, query: `owner_id=${person.value?.id}&sort=-id&limit=${MOST}&total=false` })).data), []);
  useEvents([MODEL], load.look, load.look);
  const rows = load.data || [];
  // The longest waiting first: a new one comes below, not under the finger of who is about to decide.
  return { ...load, pending: rows.filter((one) => one.status === "pending").reverse(), decided: rows.filter((one) => one.status !== "pending") };
}

/** @param {{approvals: ReturnType<typeof useApprovals>}} props */
export function Approvals({ approvals }) {
  const { data, error, slow, reload, pending, decided } = approvals;
  return html`<div class="scroll"><div class="column pad-top">
    ${error && !data && html`<${Trouble} error=${error} what=${t("approvals.error")} retry=${reload} />`}
    ${slow && !data && html`<section class="card"><${Skeleton} rows=${4} /></section>`}
    ${data && !data.length && html`<${Empty} heading=${t("approvals.none")} words=${t("approvals.none_words")}>
      ${isAdmin() && html`<a class="btn" href=${href("/data/mcp_rules", { record: "new" })}><${Icon} name="plus" />${t("approvals.rule")}</a>`}
    <//>`}
    ${pending.map((one) => html`<${Waiting} key=${one.id} call=${one} reload=${reload} />`)}
    ${decided.length > 0 && html`<section class="card" aria-labelledby="decided-title">
      <header><h2 id="decided-title">${t("approvals.decided")}</h2></header>
      <ul class="plain-list">${decided.map((one) => html`<${Decided} key=${one.id} call=${one} reload=${reload} />`)}</ul>
    </section>`}
  </div></div>`;
}

/** @param {{call: any, reload: () => void}} props */
function Waiting({ call, reload }) {
  const [busy, setBusy] = useState(false);
  const decide = async (/** @type {"approve"|"deny"} */ deed, /** @type {string} */ lasts) => {
    setBusy(true);
    try {
      await api.post(`/api/v1/gateway/approvals/${call.id}/${deed}`, { lasts });
      say(t(deed === "approve" ? "approvals.allowed" : "approvals.refused", { name: call.asked_by }));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setBusy(false);
    reload();
  };
  const name = `${call.server}__${call.tool}`;
  return html`<section class="card" aria-labelledby=${`approval-${call.id}`}>
    <header><h2 id=${`approval-${call.id}`} class="grow">${t("approvals.wants", { name: call.asked_by })} <code>${name}</code></h2></header>
    <div class="body stack">
      <p class="small soft">${call.client ? t("approvals.says", { client: call.client }) : ""} <${Ago} iso=${call.created_at} /></p>
      ${call.arguments !== null && html`<${JsonCode} value=${call.arguments} label=${t("tools.arguments")} />`}
      <div class="row wrap">
        <button class="btn primary" type="button" disabled=${busy} onClick=${() => decide("approve", "once")}><${Icon} name="check" />${t("approvals.once")}</button>
        <button class="btn" type="button" disabled=${busy} onClick=${() => decide("approve", "while")}>${t("approvals.while")}</button>
        <button class="btn" type="button" disabled=${busy} onClick=${() => decide("approve", "always")}>${t("approvals.always")}</button>
        <span class="grow"></span>
        <button class="btn" type="button" disabled=${busy} onClick=${() => decide("deny", "while")}><${Icon} name="close" />${t("approvals.deny")}</button>
      </div>
    </div>
  </section>`;
}

/** @param {{call: any, reload: () => void}} props */
function Decided({ call, reload }) {
  const [busy, once] = useBusy();
  const takeBack = () => once(async () => {
    try {
      await api.delete(`/api/v1/${MODEL}/${call.id}`);
      say(t("approvals.taken_back"));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    reload();
  });
  const inForce = call.status === "approved" || call.status === "denied";
  return html`<li class="client">
    <div class="grow min0"><p class="clip"><code>${call.server}__${call.tool}</code></p>
      <p class="small soft clip">${call.asked_by}${inForce ? `, ${t(`approvals.lasts_${call.lasts}`)}` : ""}${call.decided_at ? html`, <${Ago} iso=${call.decided_at} />` : ""}</p></div>
    <${State} kind=${SHAPES[call.status] || "off"}>${t(`approvals.${call.status}`)}<//>
    <button class="btn dense" type="button" disabled=${busy} title=${`${call.server}__${call.tool}`} onClick=${takeBack}>${t(inForce ? "approvals.take_back" : "approvals.remove")}</button>
  </li>`;
}
