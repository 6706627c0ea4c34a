// First steps: each ticks itself, because it asks the server whether it is done.
import { api } from "../api.js";
import { useFresh } from "../events.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { keep, may, modelNamed, stored } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Waiting } from "../widgets/trouble.js";

/** For each that the server knows: the model whose changes may tick it, and where it is done. @type {Record<string, [string, string]>} */
const STEPS = {
  note: ["notes", "/data/notes?record=new"],
  model: ["own_models", "/data/-"],
  server: ["mcp_servers", "/tools/add"],
  token: ["api_tokens", "/account"],
  webhook: ["webhook_inbox_deliveries", "/data/webhook_inbox_deliveries"],
  person: ["users", "/data/users?record=new"],
  backup: ["backups", "/settings/backups"],
};
const MODELS = Object.values(STEPS).map(([model]) => model);
const HIDDEN = "steps";

/** @param {AbortSignal} signal */
const load = async (signal) => /** @type {{name: string, done: boolean}[]} */ ((await api.get("/api/v1/server/first-steps", { signal })).data);

export function Steps() {
  const [hidden, hide] = useState(stored(HIDDEN, "") === "hidden");
  const away = () => {
    keep(HIDDEN, "hidden");
    hide(true);
  };
  return hidden ? null : html`<${StepList} away=${away} />`;
}

/** @param {{away: () => void}} props */
function StepList({ away }) {
  const page = useLoad(load, []);
  const { data, error, look } = page;
  // A step that is done elsewhere ticks itself here.
  useFresh(MODELS.filter((model) => may(modelNamed(model), "list")), look);
  if (error && !data) return null;
  const steps = data || [];
  const all = data && steps.every((step) => step.done);
  return html`<section class="card" aria-labelledby="steps-title">
    <header>
      <h2 id="steps-title">${t("steps.title")}</h2>
      <span class="grow">${data && t("steps.done", { done: steps.filter((step) => step.done).length + 1, all: steps.length + 1 })}</span>
    </header>
    <${Waiting} page=${page} />
    <ul class="body steps">
      <li class="done"><${Box} done />${t("steps.signed_in")}</li>
      ${steps.map(({ name, done }) => html`<li key=${name} class=${done ? "done" : ""}>
        <${Box} done=${done} />
        <span class="grow">${t(`steps.${name}`)}</span>
        ${!done && html`<a class="small" href=${href(STEPS[name][1])} aria-label=${t("steps.go_to", { step: t(`steps.${name}`) })}>${t("steps.go")}</a>`}
      </li>`)}
    </ul>
    ${all && html`<div class="body row"><p class="small soft grow">${t("steps.all_done")}</p><button class="btn dense" type="button" onClick=${away}>${t("steps.hide")}</button></div>`}
  </section>`;
}

/** @param {{done?: boolean}} props */
function Box({ done }) {
  return html`<span class="box">${done && html`<${Icon} name="check" label=${t("value.yes")} />`}</span>`;
}
