// What a server offers beside tools: its prompts, filled in, and its resources, read.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Labelled, describedBy } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { Result } from "./tools_reply.js";

/** @typedef {{kind: "prompt"|"resource"|"template", key: string, name: string, about: string, fields: {name: string, need: boolean, help: string|null}[]}} Offer */

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
      fields: [{ name: "uri", need: true, help: t("offers.template_help", { template: one.uriTemplate }) }],
    })),
  ];
}

/** @param {{server: any, changed: () => void}} props */
export function ServerOffers({ server, changed }) {
  const at = `/api/v1/gateway/${server.id}`;
  const { data, error, slow, reload } = useLoad(async (signal) => {
    const [prompts, found] = await Promise.all([api.get(`${at}/prompts`, { signal }), api.get(`${at}/resources`, { signal })]);
    return offersOf(prompts.data, found.data);
  }, [server.id, server.enabled]);
  const [key, setKey] = useState("");
  // Asking starts a server: how it stands now is news for the list.
  useEffect(() => {
    if (data || error) changed();
  }, [data, error]);
  if (error && !data) return html`<div class="bench-empty"><${Trouble} error=${error} what=${t("offers.error")} retry=${reload} /></div>`;
  if (!data) return slow ? html`<${Skeleton} rows=${6} />` : null;
  if (!data.length) return html`<div class="bench-empty"><p class="small muted">${t("offers.none")}</p></div>`;
  const offer = data.find((one) => `${one.kind} ${one.key}` === key) || data[0];
  return html`<${Try} key=${`${offer.kind} ${offer.key}`} at=${at} offers=${data} offer=${offer} choose=${setKey} />`;
}

/** @param {{at: string, offers: Offer[], offer: Offer, choose: (key: string) => void}} props */
function Try({ at, offers, offer, choose }) {
  const [texts, setTexts] = useState(/** @type {Record<string, string>} */ (offer.kind === "template" ? { uri: offer.key } : {}));
  const [missing, setMissing] = useState(/** @type {string[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState(/** @type {any} */ (null));
  const reply = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    if (outcome && matchMedia("(max-width: 1023px)").matches) reply.current?.scrollIntoView({ block: "start" });
  }, [outcome]);
  const ask = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const lacking = offer.fields.filter((field) => field.need && !texts[field.name]?.trim()).map((field) => field.name);
    setMissing(lacking);
    if (lacking.length || busy) return lacking.length ? document.getElementById(`offer-${lacking[0]}`)?.focus() : undefined;
    setBusy(true);
    const began = performance.now();
    try {
      const given = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
      const { data } = offer.kind === "prompt"
        ? await api.post(`${at}/prompts/get`, { name: offer.key, arguments: given })
        : await api.post(`${at}/resources/read`, { uri: offer.kind === "template" ? texts.uri : offer.key });
      setOutcome({ result: data.result, took: performance.now() - began, at: Date.now() });
    } catch (error) {
      setOutcome({ error, at: Date.now() });
    }
    setBusy(false);
  };
  return html`<div class="bench">
    <div class="ask-side scroll">
      <form class="form" onSubmit=${ask} noValidate>
        <div class="field"><label for="offer">${t("offers.which")}</label>
          <span class="select"><select class="input" id="offer" value=${`${offer.kind} ${offer.key}`} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
            ${["prompt", "resource", "template"].map((kind) => {
              const inside = offers.filter((one) => one.kind === kind);
              return inside.length > 0 && html`<optgroup key=${kind} label=${t(`offers.${kind}`)}>${inside.map((one) => html`<option key=${one.key} value=${`${kind} ${one.key}`}>${one.name}</option>`)}</optgroup>`;
            })}
          </select><${Icon} name="down" /></span>
          ${offer.kind !== "prompt" && html`<p class="help"><code>${offer.key}</code></p>`}
          ${offer.about && html`<p class="help pre">${offer.about}</p>`}</div>
        ${offer.fields.map((field) => {
          const id = `offer-${field.name}`;
          const error = missing.includes(field.name) ? t("offers.missing") : "";
          return html`<${Labelled} key=${field.name} id=${id} label=${field.name} need=${field.need} help=${field.help} error=${error}>
            <input class="input" id=${id} value=${texts[field.name] || ""} autocomplete="off" spellcheck="false" aria-invalid=${error ? "true" : undefined} aria-describedby=${describedBy(id, field.help, error)}
              onInput=${(/** @type {any} */ event) => setTexts((now) => ({ ...now, [field.name]: event.target.value }))} />
          <//>`;
        })}
        <div><button class="btn primary" type="submit" disabled=${busy}><${Icon} name=${offer.kind === "prompt" ? "play" : "eye"} />${t(busy ? "tools.running" : offer.kind === "prompt" ? "offers.get" : "offers.read")}</button></div>
      </form>
    </div>
    <div class="reply-side scroll" ref=${reply} aria-live="polite" aria-busy=${busy ? "true" : "false"}>
      ${!outcome ? html`<p class="small muted">${t("offers.not_asked")}</p>`
        : outcome.error ? html`<${Trouble} error=${outcome.error} what=${t("offers.refused")} />`
        : html`<${Result} key=${outcome.at} result=${outcome.result} took=${outcome.took} />`}
    </div>
  </div>`;
}
