// What a server offers beside tools: its prompts, filled in, and its resources, read.
import { api } from "../api.js";
import { formatTime, t } from "../i18n.js";
import { filledIn, gaps, takenFrom } from "../uri_template.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { Chooser } from "../widgets/chooser.js";
import { CompletedInput } from "../widgets/completed.js";
import { Icon } from "../widgets/icon.js";
import { Labelled, describedBy } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { own } from "../widgets/words.js";
import { Result } from "./tools_reply.js";
import { Watching } from "./tools_watch.js";

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

/**
 * The offer that a request asked for, and what was filled in; null when it is not offered now.
 * @param {Offer[]} offers @param {import("./tools_bench.js").Again} again @returns {{offer: Offer, texts: Record<string, string>}|null}
 */
function askedFor(offers, { method, params }) {
  for (const offer of offers) {
    if (method === "prompts/get") {
      if (offer.kind === "prompt" && offer.key === params.name) return { offer, texts: params.arguments };
      continue;
    }
    if (offer.kind === "resource" && offer.key === params.uri) return { offer, texts: {} };
    const texts = offer.kind === "template" ? takenFrom(offer.key, params.uri) : null;
    if (texts) return { offer, texts };
  }
  return null;
}

/** @param {{server: any, changed: () => void, again?: import("./tools_bench.js").Again|null}} props `again`: to begin with */
export function ServerOffers({ server, changed, again }) {
  const at = `/api/v1/gateway/${server.id}`;
  const { data, error, slow, reload } = useLoad(async (signal) => {
    const [prompts, found] = await Promise.all([api.get(`${at}/prompts`, { signal }), api.get(`${at}/resources`, { signal })]);
    return offersOf(prompts.data, found.data);
  }, [server.id, server.enabled]);
  const [key, setKey] = useState("");
  // Of each: who goes to another one and back finds what they typed and what came back.
  const [outcomes, setOutcomes] = useState(/** @type {Record<string, any>} */ ({}));
  const drafts = useRef(/** @type {Record<string, Record<string, string>>} */ ({}));
  const [watches, setWatches] = useState(/** @type {Record<string, import("./tools_watch.js").Watch>} */ ({}));
  const reply = useRef(/** @type {HTMLElement|null} */ (null));
  // Asking starts a server: how it stands now is news for the list.
  useEffect(() => {
    if (data || error) changed();
  }, [data, error]);
  const asked = useMemo(() => (again && data ? askedFor(data, again) : null), [again, data]);
  const offer = data?.find((one) => keyOf(one) === key) || asked?.offer || data?.[0];
  if (asked) drafts.current[keyOf(asked.offer)] ??= asked.texts;
  const outcome = offer && outcomes[keyOf(offer)];
  useEffect(() => {
    if (outcome && matchMedia("(max-width: 1023px)").matches) reply.current?.scrollIntoView({ block: "start" });
  }, [outcome]);
  if (error && !data) return html`<div class="bench-empty"><${Trouble} error=${error} what=${t("offers.error")} retry=${reload} /></div>`;
  if (!data) return slow ? html`<${Skeleton} rows=${6} />` : null;
  if (!offer) return html`<div class="bench-empty"><p class="small muted">${t("offers.none")}</p></div>`;
  const ended = (/** @type {string} */ which, /** @type {any} */ one) => setOutcomes((now) => ({ ...now, [which]: one }));
  const stop = (/** @type {string} */ which) => setWatches(({ [which]: _, ...others }) => others);
  const anew = async (/** @type {string} */ which, /** @type {string} */ uri) => {
    setWatches((now) => (which in now ? { ...now, [which]: { ...now[which], changed: now[which].changed + 1, at: Date.now() } } : now));
    ended(which, await read(at, uri));
  };
  const refused = (/** @type {string} */ which) => {
    stop(which);
    say(t("offers.watch_refused"), "bad");
  };
  const watch = watches[keyOf(offer)];
  const groups = KINDS.map((kind) => ({ name: t(`offers.${kind}`), choices: data.filter((one) => one.kind === kind).map((one) => ({ key: keyOf(one), name: one.name, more: keyOf(one) in watches ? t("offers.watched", { n: watches[keyOf(one)].changed }) : undefined, words: `${one.key} ${one.about}` })) }));
  return html`${again && !asked && html`<div class="bench-note"><p class="note warn"><${Icon} name="alert" /><span>${t("messages.not_offered", { name: again.params.name || again.params.uri })}</span></p></div>`}
  <div class="bench">
    <div class="ask-side scroll">
      <${Chooser} id="offer" label=${t("offers.which")} groups=${groups.filter((group) => group.choices.length)} current=${keyOf(offer)} choose=${setKey} />
      <${Try} key=${keyOf(offer)} at=${at} offer=${offer} completes=${server.capabilities?.includes("completions")} drafts=${drafts.current}
        ended=${(/** @type {any} */ one) => ended(keyOf(offer), one)} watched=${watch?.uri}
        watch=${(/** @type {string|null} */ uri) => (uri === null ? stop(keyOf(offer)) : setWatches((now) => ({ ...now, [keyOf(offer)]: { uri, changed: 0, at: 0 } })))} />
      ${Object.entries(watches).map(([which, one]) => html`<${Watching} key=${`${which} ${one.uri}`} at=${at} uri=${one.uri} changed=${() => anew(which, one.uri)} refused=${() => refused(which)} />`)}
    </div>
    <div class="reply-side scroll" ref=${reply} aria-live="polite">
      ${watch && html`<p class="note"><${Icon} name="eye" /><span>${watch.changed ? t("offers.changed", { n: watch.changed, time: formatTime(watch.at, "second") }) : t("offers.watching")}</span></p>`}
      ${!outcome ? html`<p class="small muted">${t("offers.not_asked")}</p>`
        : outcome.error ? html`<${Trouble} error=${outcome.error} what=${t("offers.refused")} />`
        : html`<${Result} key=${outcome.at} result=${outcome.result} took=${outcome.took} />`}
    </div>
  </div>`;
}

/** @param {() => Promise<{data: any}>} ask @returns {Promise<any>} its outcome */
async function timed(ask) {
  const began = performance.now();
  try {
    return { result: (await ask()).data.result, took: performance.now() - began, at: Date.now() };
  } catch (error) {
    return { error, at: Date.now() };
  }
}

const read = (/** @type {string} */ at, /** @type {string} */ uri) => timed(() => api.post(`${at}/resources/read`, { uri }));

/** @param {{at: string, offer: Offer, completes: boolean, drafts: Record<string, Record<string, string>>, ended: (outcome: any) => void, watched?: string, watch: (uri: string|null) => void}} props */
function Try({ at, offer, completes, drafts, ended, watched, watch }) {
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
    const lacking = offer.fields.filter((field) => field.need && !own(texts, field.name)?.trim()).map((field) => field.name);
    setMissing(lacking);
    if (lacking.length || busy) return lacking.length ? document.getElementById(idOf(lacking[0]))?.focus() : undefined;
    setBusy(true);
    ended(await (offer.kind === "prompt" ? timed(() => api.post(`${at}/prompts/get`, { name: offer.key, arguments: given })) : read(at, uri)));
    setBusy(false);
  };
  // What it would read changed: that is another resource.
  useEffect(() => {
    if (watched !== undefined && watched !== uri) watch(null);
  }, [uri]);
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
      const value = own(texts, field.name) || "";
      return html`<${Labelled} key=${field.name} id=${id} label=${field.name} need=${field.need} help=${field.help} error=${error}>
        <${CompletedInput} id=${id} value=${value} set=${set} common=${common} ask=${completes ? (/** @type {string} */ text, /** @type {AbortSignal} */ signal) => mayBe(field.name, text, signal) : null} />
      <//>`;
    })}
    ${offer.kind === "template" && uri !== offer.key && html`<p class="help">${t("offers.address", { uri })}</p>`}
    <div class="row wrap"><button class="btn primary" type="submit" disabled=${busy}><${Icon} name=${offer.kind === "prompt" ? "play" : "eye"} />${t(busy ? "tools.running" : offer.kind === "prompt" ? "offers.get" : "offers.read")}</button>
      ${offer.kind !== "prompt" && html`<button class="btn" type="button" aria-pressed=${watched === undefined ? "false" : "true"} disabled=${offer.fields.some((field) => field.need && !own(texts, field.name))}
        onClick=${() => watch(watched === undefined ? uri : null)}>${t(watched === undefined ? "offers.watch" : "offers.unwatch")}</button>`}</div>
  </form>`;
}
