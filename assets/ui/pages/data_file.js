// The two places where a file is itself the record: a new one is sent, not typed, and an old one can be looked at.
import { formatNumber, t } from "../i18n.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { FileFace } from "../widgets/file.js";
import { say } from "../widgets/toasts.js";
import { ChooseButton, FileBox, Sending, Unsent, useUpload } from "../widgets/uploading.js";

/** @param {{dirty: {current: boolean}, done: () => void}} props `dirty`: some are on their way, or did not arrive; `done` is called when everything was sent */
export function NewFiles({ dirty, done }) {
  const sending = useUpload({}, () => {});
  const [left, setLeft] = useState(0);
  const [unsent, setUnsent] = useState(/** @type {File[]} */ ([]));
  const arrived = useRef(0);
  dirty.current = Boolean(sending.name) || left > 0 || unsent.length > 0;
  const take = async (/** @type {File[]} */ files) => {
    setUnsent([]);
    for (const [at, one] of files.entries()) {
      setLeft(files.length - at);
      if (await sending.start(one)) arrived.current += 1;
      else {
        setUnsent(files.slice(at));
        return setLeft(0);
      }
    }
    say(t("file.sent", { n: arrived.current }));
    done();
  };
  return html`<div class="scroll"><div class="field">
    ${sending.name
      ? html`<${Sending} ...${sending} />${left > 1 && html`<p class="help">${t("file.left", { n: left - 1, count: formatNumber(left - 1) })}</p>`}`
      : html`<${FileBox} take=${take} empty>
          <${ChooseButton} id="new-files" words=${t("file.choose_many")} many take=${take} /><span class="tiny">${t("file.drop")}</span>
        <//>`}
    <p class="help">${t("file.unused")}</p>
    <${Unsent} problem=${sending.problem} again=${sending.unsent && (() => take(unsent))} />
  </div></div>`;
}

/** @param {{row: any}} props */
export function FileBanner({ row }) {
  return html`<div class="file-banner"><div class="file-box"><${FileFace} file=${row} id=${row.id} /></div></div>`;
}
