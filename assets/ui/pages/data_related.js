// A record of another model, made above the form that wants it: what was typed there stays as it is.
import { t } from "../i18n.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Dialog, askToDiscard } from "../widgets/dialog.js";
import { say } from "../widgets/toasts.js";
import { holdTyped } from "../widgets/unsaved.js";
import { inSentence, titleOf } from "../widgets/words.js";
import { RecordForm } from "./data_form.js";
import { SecretOnce, shownOnce } from "./data_secret.js";

/** Titles that can be begun with what was looked for. */
const TYPED = ["text", "long_text", "email"];

/**
 * @param {{model: import("../types").Model, title: string, within: string, made: (row: import("../types").Row) => void, close: () => void}} props
 * `title`: what it may be called; `within`: the id of the field it is for; `made` is followed by `close`
 */
export function NewRelated({ model, title, within, made, close }) {
  const [secrets, setSecrets] = useState(/** @type {[string, string][]} */ ([]));
  const dirty = useRef(false);
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const [given] = useState(() => (model.fields.some((field) => field.name === model.title_field && TYPED.includes(field.type)) && title ? { [/** @type {string} */ (model.title_field)]: title } : undefined));
  useEffect(() => {
    /** @type {HTMLElement|null|undefined} */ (box.current?.querySelector("input, textarea, select"))?.focus();
    return holdTyped(() => dirty.current, () => false);
  }, []);
  const leave = async () => {
    if (!dirty.current || (await askToDiscard())) close();
  };
  const saved = (/** @type {import("../types").Row} */ row) => {
    dirty.current = false;
    made(row);
    say(t("form.created", { title: titleOf(model, row) }));
    const once = shownOnce(model, row);
    if (once.length) setSecrets(once);
    else close();
  };
  if (secrets.length) return html`<${SecretOnce} model=${model} secrets=${secrets} close=${close} />`;
  const heading = `${within}-new`;
  return html`<${Dialog} label=${heading} kind="dialog related" held=${false} onClose=${leave}>
    <h2 id=${heading}>${t("form.new", { name: inSentence(model.label) })}</h2>
    <div class="box" ref=${box}><${RecordForm} model=${model} row=${EMPTY} etag=${null} isNew=${true} writable=${true} gone=${false} hidden=${false} within=${within} dirty=${dirty} given=${given}
      reload=${() => {}} changed=${() => {}} saved=${saved} removed=${close} leave=${leave} /></div>
  <//>`;
}

/** The same one at each drawing: another one would be a newer version. @type {import("../types").Row} */
const EMPTY = /** @type {any} */ ({});
