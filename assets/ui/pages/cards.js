// Cards of plugins on the start page. One that throws is shown as a small card that says so; the page goes on.
import { t } from "../i18n.js";
import { registering } from "../registering.js";
import { isAdmin } from "../store.js";
import { html, signal } from "../vendor/preact.js";
import { contained } from "../widgets/contained.js";
import { Icon } from "../widgets/icon.js";

/** @typedef {{name: string, label: string, Card: any, wide?: boolean, admin?: boolean}} Card `label` heads it, `Card` is a component without properties; `wide`: in the main column instead of beside it; `admin`: for admins alone */

/** @type {import("../types").Signal<(Card & {plugin: string})[]>} */
const added = signal([]);

/** Adds a card to the start page; for a plugin's module, while it is imported. @param {Card} card */
export function registerCard(card) {
  const { name, label, Card } = card;
  if (!/^[a-z][a-z0-9-]*$/.test(name || "") || !label || typeof Card !== "function") throw new Error("card() wants a name (a-z, 0-9, -), a label and a Card");
  if (added.value.some((one) => one.name === name)) throw new Error(`there is a card ${name} already`);
  const { plugin } = registering();
  added.value = [...added.value, { ...card, plugin, Card: contained(Card, (error, again) => html`<${Stopped} plugin=${plugin} error=${error} again=${again} />`) }];
}

/** @param {string} plugin */
export function dropCards(plugin) {
  added.value = added.value.filter((card) => card.plugin !== plugin);
}

/** Those of plugins for who is signed in. @param {{wide: boolean}} props */
export function Cards({ wide }) {
  return added.value.filter((card) => Boolean(card.wide) === wide && (!card.admin || isAdmin())).map(({ name, label, Card }) => html`<section key=${name} class="card" aria-labelledby=${`card-${name}`}>
    <header><h2 id=${`card-${name}`}>${t(label)}</h2></header>
    <div class="body"><${Card} /></div>
  </section>`);
}

/** @param {{plugin: string, error: Error, again: () => void}} props */
function Stopped({ plugin, error, again }) {
  return html`<div class="note bad card-failed" role="status"><${Icon} name="alert" /><span class="grow">${t("contributions.card_failed", { name: plugin, reason: error.message })}</span>
    <button class="btn dense" type="button" onClick=${again}>${t("do.retry")}</button></div>`;
}
