// Typing a file: chosen or dropped, sent at once.
import { formatBytes, t } from "../i18n.js";
import { may, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { FileFace, remember, useFile } from "../widgets/file.js";
import { Icon } from "../widgets/icon.js";
import { ChooseButton, FileBox, Sending, Unsent, useUpload } from "../widgets/uploading.js";
import { OnItsWay } from "./file.js";
import { common } from "./text.js";

/** What a field takes, in words. @param {import("../types").Field} field */
function wanted(field) {
  const limit = field.max_bytes ? t("file.up_to", { size: formatBytes(field.max_bytes) }) : "";
  return [field.accept?.join(", "), limit].filter(Boolean).join(", ");
}

/** @param {import("./text.js").InputProps} props */
export function FileInput(props) {
  const { id, field, set } = props;
  const draft = props.draft instanceof OnItsWay ? props.draft.before : props.draft;
  const sending = useUpload({ accept: field.accept, max_bytes: field.max_bytes }, (row) => {
    remember(row);
    set(row.id);
  });
  const file = useFile(draft);
  const take = async (/** @type {File[]} */ files) => {
    set(new OnItsWay(draft));
    if (!(await sending.start(files[0]))) set(draft);
  };
  const attributes = { ...common(props), autocomplete: undefined };
  if (sending.name) return html`<${Sending} ...${sending} />`;
  const choose = (/** @type {string} */ words) =>
    may(modelNamed("files"), "create")
      ? html`<${ChooseButton} id=${id} words=${words} accept=${field.accept} take=${take} attributes=${attributes} />`
      : html`<input class="vh" id=${id} readonly ...${attributes} /><span class="tiny">${t("file.no_upload")}</span>`;
  return html`<${FileBox} take=${take} empty=${draft === ""}>
      ${draft === ""
        ? html`${choose(t("file.choose"))}<span class="tiny">${t("file.drop")}</span>`
        : html`<${FileFace} file=${file} id=${draft} />${choose(t("file.replace"))}
          <button class="btn dense quiet only" type="button" onClick=${() => set("")} aria-label=${t("file.remove")} title=${t("file.remove")}><${Icon} name="close" /></button>`}
    <//>
    ${wanted(field) && html`<p class="help">${wanted(field)}</p>`}
    <${Unsent} problem=${sending.problem} again=${sending.unsent && (() => take([/** @type {File} */ (sending.unsent)]))} />`;
}
