// A file: chosen or dropped, sent at once, and referred to by its number when the record is saved.
import { formatBytes, t } from "../i18n.js";
import { may, modelNamed } from "../store.js";
import { html } from "../vendor/preact.js";
import { FileFace, fileAddress, remember, useFile } from "../widgets/file.js";
import { Icon } from "../widgets/icon.js";
import { FieldError } from "../widgets/labelled.js";
import { ChooseButton, FileBox, Sending, useUpload } from "../widgets/uploading.js";
import { common } from "./text.js";

/** What a field takes, in words. @param {import("../types").Field} field */
function wanted(field) {
  const limit = field.max_bytes ? t("file.up_to", { size: formatBytes(field.max_bytes) }) : "";
  return [field.accept?.join(", "), limit].filter(Boolean).join(", ");
}

/** @param {import("./text.js").InputProps} props */
function FileInput(props) {
  const { id, field, draft, set } = props;
  const sending = useUpload({ accept: field.accept, max_bytes: field.max_bytes }, (row) => {
    remember(row);
    set(row.id);
  });
  const file = useFile(draft);
  const take = (/** @type {File[]} */ files) => void sending.start(files[0]);
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
    ${sending.problem && html`<${FieldError} text=${sending.problem} />`}`;
}

/** @type {import("./text.js").FieldType} */
export const file = {
  column: "c-text",
  icon: "file",
  cell: (value, _field, about) =>
    about
      ? html`<a class="rel" href=${fileAddress(about)} target="_blank" rel="noopener" title=${about.name}><span class="clip">${about.name}</span></a>`
      : html`<span class="mono">${t("file.number", { id: value })}</span>`,
  Input: FileInput,
  toDraft: (value) => value ?? "",
  fromDraft: (draft) => (draft === "" ? null : draft),
};
