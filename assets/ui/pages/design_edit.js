// A model that is there: its fields added, renamed, reordered, converted and dropped, after a look at what would be lost; or all of it dropped.
import { api } from "../api.js";
import { formatNumber, t } from "../i18n.js";
import { formatJson } from "../json.js";
import { loadModels } from "../models.js";
import { go, href } from "../router.js";
import { html, useState } from "../vendor/preact.js";
import { useHere } from "../widgets/here.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { Typed } from "../widgets/typed.js";
import { useUnsaved } from "../widgets/unsaved.js";
import { inSentence } from "../widgets/words.js";
import { PartHead } from "./data_head.js";
import { definitionOf, draftOf, errorsOf } from "./design_draft.js";
import { DesignForm } from "./design_form.js";
import { showFirst } from "./design_new.js";

/** @param {{model: import("../types").Model}} props */
export function DesignEdit({ model }) {
  const path = `/api/v1/models/${model.name}`;
  const { data, error, slow, reload } = useLoad(async (signal) => (await api.get(`${path}/definition`, { signal })).data, [path]);
  return html`<div class="area">
    <${PartHead} model=${model} heading=${t("design.edit", { name: inSentence(model.label_plural) })} words=${t("design.edit_words")} />
    <div class="scroll"><div class="column narrow">
      ${error && !data && html`<${Trouble} error=${error} what=${t("design.error")} retry=${reload} />`}
      ${!data && slow && html`<${Skeleton} rows=${10} />`}
      ${data && html`<${Editor} model=${model} definition=${data} />`}
    </div></div>
  </div>`;
}

/** @param {{model: import("../types").Model, definition: any}} props */
function Editor({ model, definition }) {
  const path = `/api/v1/models/${model.name}`;
  const [draft, setDraft] = useState(() => draftOf(definition));
  const [first] = useState(() => formatJson(draft));
  const done = useUnsaved(formatJson(draft) !== first);
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [losses, setLosses] = useState(/** @type {any[]} */ ([]));
  const [dropping, setDropping] = useState(/** @type {{records: number}|null} */ (null));
  const [busy, setBusy] = useState(false);
  const here = useHere();
  const refuse = (/** @type {any} */ error) => {
    const found = errorsOf(draft, error.fields || {});
    setErrors(found);
    setProblem(found[""] || !Object.keys(found).length ? error : null);
    showFirst(Object.keys(found));
  };
  const wanted = () => {
    const { name: _name, owned: _owned, ...rest } = definitionOf(draft).definition;
    return rest;
  };
  const look = async () => {
    const { errors: found } = definitionOf(draft);
    setProblem(null);
    setErrors(Object.fromEntries(Object.entries(found).map(([part, key]) => [part, t(key)])));
    if (Object.keys(found).length) return showFirst(Object.keys(found));
    setBusy(true);
    try {
      const { data } = await api.patch(path, wanted(), { query: "dry_run=true" });
      if (data.length) setLosses(data);
      else await save(false);
    } catch (error) {
      refuse(error);
    }
    setBusy(false);
  };
  const save = async (/** @type {boolean} */ confirmed) => {
    setLosses([]);
    try {
      await api.patch(path, wanted(), confirmed ? { query: "confirm=true" } : {});
    } catch (error) {
      return refuse(error);
    }
    done();
    await loadModels();
    say(t("design.changed", { name: draft.label_plural }));
    if (here()) go(href(`/data/${model.name}`));
  };
  const askDrop = async () => {
    setProblem(null);
    try {
      const { count } = await api.get(`/api/v1/${model.name}`, { query: "limit=1&fields=id" });
      setDropping({ records: count || 0 });
    } catch (error) {
      setProblem(error);
    }
  };
  const drop = async () => {
    setDropping(null);
    try {
      await api.delete(path, { query: "confirm=true" });
      done();
      if (here()) go(href("/data"));
      await loadModels();
      say(t("design.dropped", { name: model.label_plural }));
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<${DesignForm} draft=${draft} set=${setDraft} errors=${errors} existing />
    ${problem && html`<${Trouble} error=${problem} what=${t("design.not_changed")} />`}
    <footer class="row wrap do">
      <button class="btn primary" type="button" disabled=${busy} onClick=${look}>${t("design.save")}</button>
      <a class="btn quiet" href=${href(`/data/${model.name}`)}>${t("do.cancel")}</a>
      <span class="grow"></span>
      <button class="btn danger quiet" type="button" onClick=${askDrop}><${Icon} name="trash" />${t("design.drop_model")}</button>
    </footer>
    ${losses.length > 0 && html`<${Typed} heading=${t("design.loss_ask")} name=${model.name} verb=${t("design.loss_do")} stay=${t("design.loss_stay")}
      cancel=${() => setLosses([])} act=${() => save(true)}>
      <p>${t("design.loss_words")}</p>
      <table class="facts">
        <thead><tr><th scope="col">${t("import.field")}</th><th scope="col">${t("design.change")}</th><th scope="col" class="n">${t("design.values")}</th></tr></thead>
        <tbody>${losses.map((loss) => html`<tr key=${loss.field}><td class="mono">${loss.field}</td><td>${loss.change}</td><td class="n">${formatNumber(loss.records)}</td></tr>`)}</tbody>
      </table>
    <//>`}
    ${dropping && html`<${Typed} heading=${t("design.drop_ask", { name: model.label_plural })} name=${dropping.records ? model.name : ""} verb=${t("design.drop_do", { n: dropping.records, name: model.label_plural })}
      stay=${t("design.drop_stay")} cancel=${() => setDropping(null)} act=${drop}>
      <p>${dropping.records ? t("design.drop_words", { n: dropping.records }) : t("design.drop_empty")}</p>
    <//>`}`;
}
