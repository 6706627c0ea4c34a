// What a server offers beside tools: its prompts, filled in, and its resources, read.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { filledIn, gaps } from "../uri_template.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Chooser } from "../widgets/chooser.js";
import { CompletedInput } from "../widgets/completed.js";
import { Icon } from "../widgets/icon.js";
import { Labelled, describedBy } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { Result } from "./tools_reply.js";

/** @typedef {{kind: "prompt"|"resource"|"template", key: string, name: string, about: string, fields: {name: string, need: boolean, help: string|null}[]}} Offer */

const KINDS = ["prompt", "resource", "template"];

/** @param {any} prompts @param {any} found @returns {Offer[]} */
function offersOf(prompts, found) {
  const about = (/** @type {any} */ one) => one.description || one.title || "";
  return [
    ...prompts.map((/** @type {any} */ one) => ({
      kind: "prompt", key: one.name, name: one.name, about: about(one),
      fields: (one.arguments || []).map((/** @type {any} */ field) => ({ name: field.name, need: Boolean(field.required), help: field.description || null })),
    })),
    ...found.resources.map((/** @type {any} */ one) => ({ kind: "resource", key: one.uri, name: one.title || one.name || one.uri, about: about(one), fields: [] })),
    ...found.templates.map((/** @type {any} */ one) => ({
      kind: "template", key: one.uriTemplate, name: one.title || one.name || one.uriTemplate, about: about(one),
      fields: gaps(one.uriTemplate).map((gap) => ({ ...gap, help: null })),
    })),
  ];
}

const keyOf = (/** @type {Offer} */ one) => `${one.kind} ${one.key}`;

/** @param {{server: any, changed: () => void}} props */
export function ServerOffers({ server, changed }) {
  const at = `/api/v1/gateway/${server.id}`;
  const { data, error, slow, reload } = useLoad(async (signal) => {
    const [prompts, found] = await Promise.all([api.get(`${at}/prompts`, { signal }), api.get(`${at}/resources`, { signal })]);
    return offersOf(prompts.data, found.data);
  }, [server.id, server.enabled]);
  const [key, setKey] = useState("");
  // Of each: who goes to another one and back finds what they typed and what came back.
  const [outcomes, setOutcomes] = useState(/** @type {Record<string, any>} */ ({}));
  const drafts = useRef(/** @type {Record<string, Record<string, string>>} */ ({}));
  const reply = useRef(/** @type {HTMLElement|null} */ (null));
  // Asking starts a server: how it stands now is news for the list.
  useEffect(() => {
    if (data || error) changed();
  }, [data, error]);
  const offer = data?.find((one) => keyOf(one) === key) || data?.[0];
  const outcome = offer && outcomes[keyOf(offer)];
  useEffect(() => {
    if (outcome && matchMedia("(max-width: 1023px)").matches) reply.current?.scrollIntoView({ block: "start" });
  }, [outcome]);
  if (error && !data) return html`<div class="bench-empty"><${Trouble} error=${error} what=${t("offers.error")} retry=${reload} /></div>`;
  if (!data) return slow ? html`<${Skeleton} rows=${6} />` : null;
  if (!offer) return html`<div class="bench-empty"><p class="small muted">${t("offers.none")}</p></div>`;
  const groups = KINDS.map((kind) => ({ name: t(`offers.${kind}`), choices: data.filter((one) => one.kind === kind).map((one) => ({ key: keyOf(one), name: one.name, words: `${one.key} ${one.about}` })) }));
  return html`<div class="bench">
    <div class="ask-side scroll">
      <${Chooser} id="offer" label=${t("offers.which")} groups=${groups.filter((group) => group.choices.length)} current=${keyOf(offer)} choose=${setKey} />
      <${Try} key=${keyOf(offer)} at=${at} offer=${offer} completes=${server.capabilities?.includes("completions")} drafts=${drafts.current}
        ended=${(/** @type {any} */ one) => setOutcomes((now) => ({ ...now, [keyOf(offer)]: one }))} />
    </div>
    <div class="reply-side scroll" ref=${reply} aria-live="polite">
      ${!outcome ? html`<p class="small muted">${t("offers.not_asked")}</p>`
        : outcome.error ? html`<${Trouble} error=${outcome.error} what=${t("offers.refused")} />`
        : html`<${Result} key=${outcome.at} result=${outcome.result} took=${outcome.took} />`}
    </div>
  </div>`;
}

/** @param {{at: string, offer: Offer, completes: boolean, drafts: Record<string, Record<string, string>>, ended: (outcome: any) => void}} props */
function Try({ at, offer, completes, drafts, ended }) {
  const [texts, setTexts] = useState(drafts[keyOf(offer)] || {});
  const [missing, setMissing] = useState(/** @type {string[]} */ ([]));
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    drafts[keyOf(offer)] = texts;
  }, [texts]);
  const given = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
  const uri = offer.kind === "template" ? filledIn(offer.key, texts) : offer.key;
  const idOf = (/** @type {string} */ name) => `offer-${offer.fields.findIndex((field) => field.name === name)}`;
  const ask = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const lacking = offer.fields.filter((field) => field.need && !texts[field.name]?.trim()).map((field) => field.name);
    setMissing(lacking);
    if (lacking.length || busy) return lacking.length ? document.getElementById(idOf(lacking[0]))?.focus() : undefined;
    setBusy(true);
    const began = performance.now();
    try {
      const { data } = offer.kind === "prompt"
        ? await api.post(`${at}/prompts/get`, { name: offer.key, arguments: given })
        : await api.post(`${at}/resources/read`, { uri });
      ended({ result: data.result, took: performance.now() - began, at: Date.now() });
    } catch (error) {
      ended({ error, at: Date.now() });
    }
    setBusy(false);
  };
  const mayBe = async (/** @type {string} */ name, /** @type {string} */ value, /** @type {AbortSignal} */ signal) => {
    const { [name]: _, ...others } = given;
    const { data } = await api.post(`${at}/complete`, { [offer.kind]: offer.key, argument: name, value, given: others }, { signal });
    return data.result?.completion?.values || [];
  };
  return html`<form class="form" onSubmit=${ask} noValidate>
    ${(offer.kind !== "prompt" || offer.about) && html`<div class="field">
      ${offer.kind !== "prompt" && html`<p class="help"><code>${offer.key}</code></p>`}
      ${offer.about && html`<p class="help pre">${offer.about}</p>`}</div>`}
    ${offer.fields.map((field) => {
      const id = idOf(field.name);
      const error = missing.includes(field.name) ? t("offers.missing") : "";
      const set = (/** @type {string} */ text) => setTexts((now) => ({ ...now, [field.name]: text }));
      const common = { "aria-invalid": error ? "true" : undefined, "aria-describedby": describedBy(id, field.help, error), "aria-required": field.need ? "true" : undefined };
      const value = texts[field.name] || "";
      return html`<${Labelled} key=${field.name} id=${id} label=${field.name} need=${field.need} help=${field.help} error=${error}>
        <${CompletedInput} id=${id} value=${value} set=${set} common=${common} ask=${completes ? (/** @type {string} */ text, /** @type {AbortSignal} */ signal) => mayBe(field.name, text, signal) : null} />
      <//>`;
    })}
    ${offer.kind === "template" && uri !== offer.key && html`<p class="help">${t("offers.address", { uri })}</p>`}
    <div><button class="btn primary" type="submit" disabled=${busy}><${Icon} name=${offer.kind === "prompt" ? "play" : "eye"} />${t(busy ? "tools.running" : offer.kind === "prompt" ? "offers.get" : "offers.read")}</button></div>
  </form>`;
}
