// The head of a model's page: what it is, and the one thing to do.
import { t } from "../i18n.js";
import { base, may } from "../store.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { inSentence } from "../widgets/words.js";

/** @param {{model: import("../types").Model, add: () => void, empty: boolean}} props where it is empty, the button stands in the middle */
export function DataHead({ model, add, empty }) {
  return html`<header class="page-head">
    <div class="say"><h1>${model.label_plural}</h1><p class="clip" title=${model.description}>${model.description}</p></div>
    <div class="do">
      <a class="btn desk-only" href=${`${base}/api/docs#/${model.name}`} target="_blank"><${Icon} name="code" />${t("data.api")}</a>
      ${may(model, "create") && !empty && html`<button class="btn primary" type="button" onClick=${add} data-row="new">
        <${Icon} name="plus" />${t("data.add", { name: inSentence(model.label) })}
      </button>`}
    </div>
  </header>`;
}
