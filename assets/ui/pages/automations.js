// Automations: what runs in the background, what runs by itself, and whom the server tells of changes.
import { t } from "../i18n.js";
import { go, href } from "../router.js";
import { may, modelNamed } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Tabs } from "../widgets/tabs.js";
import { useTrail } from "../widgets/trail.js";
import { Schedules } from "./automations_schedules.js";
import { Tasks } from "./automations_tasks.js";
import { Webhooks } from "./automations_webhooks.js";

const PANEL = "automations-panel";
/** The model of each part, and the page that shows it. @type {Record<string, [string, any]>} */
const PARTS = { tasks: ["tasks", Tasks], schedules: ["schedules", Schedules], webhooks: ["webhooks", Webhooks] };

/** @param {{rest: string[]}} props */
export function Automations({ rest }) {
  const names = Object.keys(PARTS).filter((name) => may(modelNamed(PARTS[name][0]), "list"));
  const part = names.includes(rest[0]) ? rest[0] : names[0];
  useTrail(part ? t(`automations.${part}`) : "", true);
  const [empty, setEmpty] = useState("");
  if (!part) return null;
  const [model, Part] = PARTS[part];
  const add = may(modelNamed(model), "create") && href(`/data/${model}`, { record: "new", back: `/automations/${part}` });
  return html`<div class="tools">
    <header class="page-head">
      <div class="say"><h1>${t("page.automations")}</h1><p>${t(`automations.words_${part}`)}</p></div>
      <div class="do">${add && empty !== part && html`<a class="btn primary" href=${add}><${Icon} name="plus" />${t(`automations.new_${part}`)}</a>`}</div>
    </header>
    <${Tabs} label=${t("page.automations")} tabs=${names.map((name) => ({ name, label: t(`automations.${name}`) }))} current=${part} choose=${(/** @type {string} */ name) => go(href(`/automations/${name}`))} panel=${PANEL} />
    <div class="tools-panel" id=${PANEL} role="tabpanel" aria-label=${t(`automations.${part}`)}><div class="scroll"><div class="column pad-top"><${Part} add=${add} told=${(/** @type {boolean} */ none) => setEmpty(none ? part : "")} /></div></div></div>
  </div>`;
}
