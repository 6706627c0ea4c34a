// How the pages look to one: light or dark, the accent, how close things stand. Kept for all browsers of theirs.
import { ACCENTS } from "../accent.js";
import { t } from "../i18n.js";
import { accent, chooseAccent, chooseDensity, chooseTheme, density, theme } from "../store.js";
import { html, useEffect, useRef } from "../vendor/preact.js";

const THEMES = ["light", "dark", "system"];
const DENSITIES = ["comfortable", "compact"];

/** @param {{chosen: boolean}} props `chosen`: the address names this part */
export function Look({ chosen }) {
  const here = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    if (chosen) here.current?.scrollIntoView({ block: "center" });
  }, [chosen]);
  return html`<section class="card" aria-labelledby="account-look" ref=${here}>
    <header><h2 id="account-look">${t("account.look")}</h2></header>
    <div class="body stack wide">
      <${Choice} id="look-theme" label=${t("theme.choose")} names=${THEMES} word=${(/** @type {string} */ name) => t(`theme.${name}`)} now=${theme.value} choose=${chooseTheme} />
      <div class="field">
        <p class="label" id="look-accent">${t("accent.choose")}</p>
        <div class="swatches" role="group" aria-labelledby="look-accent" aria-describedby="look-accent-help">
          ${ACCENTS.map(({ name, colour }) => html`<button key=${name} type="button" class="swatch" aria-label=${t(`accent.${name}`)} title=${t(`accent.${name}`)}
            aria-pressed=${accent.value.colour === colour ? "true" : "false"} onClick=${() => chooseAccent(colour)}><${Dot} colour=${colour} /></button>`)}
          <label class="own" data-chosen=${ACCENTS.every(({ colour }) => accent.value.colour !== colour) ? "true" : undefined}>
            <input type="color" id="look-own" value=${accent.value.colour} onInput=${(/** @type {any} */ event) => chooseAccent(event.target.value.toLowerCase())} />${t("accent.own")}</label>
        </div>
        <p class="help" id="look-accent-help">${t("accent.help")}</p>
      </div>
      <${Choice} id="look-density" label=${t("density.choose")} names=${DENSITIES} word=${(/** @type {string} */ name) => t(`density.${name}`)} now=${density.value} choose=${chooseDensity} />
    </div>
  </section>`;
}

/** @param {{colour: string}} props */
function Dot({ colour }) {
  return html`<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="10" fill=${colour} /><path class="tick" d="m5.5 10.5 3 3 6-7" /></svg>`;
}

/** @param {{id: string, label: string, names: string[], word: (name: string) => string, now: string, choose: (name: string) => void}} props */
function Choice({ id, label, names, word, now, choose }) {
  return html`<div class="field"><p class="label" id=${id}>${label}</p>
    <div><div class="segmented" role="group" aria-labelledby=${id}>
      ${names.map((name) => html`<button key=${name} type="button" aria-pressed=${now === name ? "true" : "false"} onClick=${() => choose(name)}>${word(name)}</button>`)}
    </div></div>
  </div>`;
}
