// First steps: each ticks itself, because it asks the server whether it is done.
import { api } from "../api.js";
import { useFresh } from "../events.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, keep, may, modelNamed, stored } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Skeleton } from "../widgets/trouble.js";

/**
 * Done once the model holds more rows than `more`; `to` is where it is done, if that is not a new record.
 * @type {{key: string, model: string, more: number, verb: string, to?: string, admin?: boolean}[]}
 */
const STEPS = [
  { key: "steps.note", model: "notes", more: 0, verb: "create" },
  { key: "steps.model", model: "own_models", more: 0, verb: "list", to: "/data/-", admin: true },
  { key: "steps.server", model: "mcp_servers", more: 0, verb: "create", to: "/tools/add", admin: true },
  { key: "steps.token", model: "api_tokens", more: 0, verb: "create", to: "/account" },
  { key: "steps.webhook", model: "webhook_inbox_deliveries", more: 0, verb: "list" },
  { key: "steps.person", model: "users", more: 1, verb: "create" },
  { key: "steps.backup", model: "backups", more: 0, verb: "list", to: "/settings/backups", admin: true },
];

const HIDDEN = "steps";

/** Those that are for who is signed in. */
function ownSteps() {
  return STEPS.filter(({ model, verb, admin }) => (admin ? isAdmin() : may(modelNamed(model), "list") && may(modelNamed(model), /** @type {any} */ (verb))));
}

/** @param {AbortSignal} signal */
async function load(signal) {
  return Promise.all(
    ownSteps().map(async (step) => {
      const { count } = await api.get(`/api/v1/${step.model}`, { signal, query: step.model === "backups" ? "" : "limit=1&fields=id" });
      return { ...step, done: (count || 0) > step.more };
    }),
  );
}

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
  const { data, error, slow, reload } = useLoad(load, []);
  // A step that is done elsewhere ticks itself here.
  useFresh(ownSteps().map(({ model }) => model).filter((model) => may(modelNamed(model), "list")), reload);
  if (error && !data) return null;
  const steps = data || [];
  const all = data && steps.every((step) => step.done);
  return html`<section class="card" aria-labelledby="steps-title">
    <header>
      <h2 id="steps-title">${t("steps.title")}</h2>
      <span class="grow">${data && t("steps.done", { done: steps.filter((step) => step.done).length + 1, all: steps.length + 1 })}</span>
    </header>
    ${slow && !data && html`<${Skeleton} rows=${4} />`}
    <ul class="body steps">
      <li class="done"><${Box} done />${t("steps.signed_in")}</li>
      ${steps.map(({ key, model, verb, to, done }) => html`<li key=${key} class=${done ? "done" : ""}>
        <${Box} done=${done} />
        <span class="grow">${t(key)}</span>
        ${!done && html`<a class="small" href=${to ? href(to) : href(`/data/${model}`, verb === "create" ? { record: "new" } : {})} aria-label=${t("steps.go_to", { step: t(key) })}>${t("steps.go")}</a>`}
      </li>`)}
    </ul>
    ${all && html`<div class="body row"><p class="small soft grow">${t("steps.all_done")}</p><button class="btn dense" type="button" onClick=${away}>${t("steps.hide")}</button></div>`}
  </section>`;
}

/** @param {{done?: boolean}} props */
function Box({ done }) {
  return html`<span class="box">${done && html`<${Icon} name="check" label=${t("value.yes")} />`}</span>`;
}
