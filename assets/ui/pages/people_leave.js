// Deleting a person: first what becomes of their records, then the deed.
import { request } from "../api.js";
import { t } from "../i18n.js";
import { modelNamed } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { Select } from "../widgets/select.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, sentence } from "../widgets/trouble.js";
import { Typed } from "../widgets/typed.js";
import { nameOf, useEverybody } from "./people_data.js";

/** @param {{user: any, close: () => void, gone: () => void}} props */
export function LeaveDialog({ user, close, gone }) {
  const [heir, setHeir] = useState("");
  const [error, setError] = useState("");
  const everybody = useEverybody();
  const name = nameOf(user);
  const choice = heir === "trash" ? { trash: true } : heir ? { transfer_to: Number(heir) } : {};
  const path = `/auth/users/${user.id}/leave`;
  const { data, error: refused, slow } = useLoad(async (signal) => /** @type {any[]} */ ((await request("POST", path, { signal, body: { ...choice, dry_run: true } })).data), [heir]);
  const open = (data || []).some((line) => line.fate === "to_decide");
  const act = async () => {
    try {
      await request("POST", path, { body: choice });
      say(t("people.deleted", { name }));
      gone();
    } catch (problem) {
      setError(sentence(problem));
    }
  };
  const others = (everybody.data || []).filter((one) => one.id !== user.id && one.is_active);
  const said = error || (refused && sentence(refused));
  return html`<${Typed} heading=${t("people.delete_ask", { name })} name=${user.username} verb=${t("people.delete")} stay=${t("people.keep")} cancel=${close} act=${act} ready=${Boolean(data) && !open && !refused}>
    <p>${t("people.delete_words")}</p>
    ${!data && slow && html`<${Skeleton} rows=${3} />`}
    ${data && data.length > 0 && html`<${Labelled} id="leave-heir" label=${t("people.records_go")}>
      <${Select} id="leave-heir" value=${heir} onChange=${(/** @type {any} */ event) => setHeir(event.target.value)}>
        <option value="" selected=${!heir}>${t("people.choose")}</option>
        <option value="trash" selected=${heir === "trash"}>${t("people.to_trash")}</option>
        ${others.map((one) => html`<option key=${one.id} value=${String(one.id)} selected=${heir === String(one.id)}>${t("people.to_person", { name: nameOf(one) })}</option>`)}
      <//><//>
      <dl class="facts fates">${data.map((line) => html`<dt key=${`${line.model}.${line.field}`}>${modelNamed(line.model)?.label_plural || line.model} (${line.records})</dt><dd>${t(`people.fate_${line.fate}`)}</dd>`)}</dl>`}
    ${said && html`<div class="field"><${FieldError} text=${said} /></div>`}
  <//>`;
}
