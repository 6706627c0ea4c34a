// The rows: a table on wide windows, cards on a phone. What is chosen can be deleted together.
import { api } from "../api.js";
import { typeOf } from "../fields/index.js";
import { t } from "../i18n.js";
import { base, may } from "../store.js";
import { html } from "../vendor/preact.js";
import { confirm } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { Empty, Skeleton, Trouble, sentence } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { Cards } from "./data_cards.js";
import { Table } from "./data_table.js";

/** The key column first, then the model's own order; times and owner last. @param {import("../types").Model} model */
export function columnsOf(model) {
  const shown = model.fields.filter((field) => !field.write_only && typeOf(field).column !== "none");
  const late = ["owner_id", "created_at", "updated_at"];
  const key = shown.find((field) => field.name === model.title_field) || shown.find((field) => field.name === "id") || shown[0];
  const rest = shown.filter((field) => field !== key && field.name !== "id" && !late.includes(field.name));
  const id = shown.find((field) => field.name === "id" && field !== key);
  return { key, rest: [...rest, ...late.flatMap((name) => shown.filter((field) => field.name === name)), ...(id ? [id] : [])] };
}

/**
 * @param {{model: import("../types").Model, page: any, rows: import("../types").Row[], query: URLSearchParams, record: string|null,
 *   move: (changes: Record<string, string|null>) => void, selected: Set<number>, setSelected: (ids: Set<number>) => void, clear: () => void}} props
 */
export function Rows(props) {
  const { model, page, rows, query, selected, setSelected, move, clear } = props;
  const refused = page.error?.status === 422;
  if (page.error && !refused && !page.data) {
    return html`<div class="grid-wrap"><div class="column pad-top">
      <${Trouble} error=${page.error} what=${t("data.error", { name: inSentence(model.label_plural) })} retry=${page.reload} />
    </div></div>`;
  }
  if (!page.data) return html`<div class="grid-wrap">${page.slow && html`<${Skeleton} rows=${12} />`}</div>`;
  if (!rows.length) return html`<div class="grid-wrap"><${Nothing} model=${model} filtered=${query.has("where")} clear=${clear} move=${move} offset=${query.get("offset")} /></div>`;
  const shared = { ...props, columns: columnsOf(model), canDelete: may(model, "delete") };
  return html`<div class="grid-wrap"><${Table} ...${shared} /><${Cards} ...${shared} /></div>
    ${selected.size > 0 && html`<${Bulk} model=${model} selected=${selected} setSelected=${setSelected} reload=${page.reload} />`}`;
}

/** @param {{model: import("../types").Model, filtered: boolean, clear: () => void, move: (changes: Record<string, string|null>) => void, offset: string|null}} props */
function Nothing({ model, filtered, clear, move, offset }) {
  const name = inSentence(model.label_plural);
  if (filtered || offset) {
    const [words, act] = filtered ? [t("data.no_match", { name }), clear] : [t("data.no_page"), () => move({ offset: null })];
    return html`<p class="no-match">${words} <button class="link" type="button" onClick=${act}>${t(filtered ? "filter.clear" : "data.first_page")}</button></p>`;
  }
  const create = may(model, "create");
  const words = create ? t("data.empty_words", { name: inSentence(model.label) }) : t("data.empty_kept");
  return html`<${Empty} heading=${t("data.empty", { name })} words=${words} curl=${curl(model, create)}>
    ${create && html`<button class="btn primary" type="button" data-row="new" onClick=${() => move({ record: "new" })}><${Icon} name="plus" />${t("data.add", { name: inSentence(model.label) })}</button>`}
  <//>`;
}

/** The request that does the same. @param {import("../types").Model} model @param {boolean} create */
function curl(model, create) {
  const address = `${location.origin}${base}/api/v1/${model.name}`;
  const who = '-H "Authorization: Bearer $GRIDBEAR_TOKEN"';
  if (!create) return `curl ${who} ${address}`;
  const asked = model.fields.filter((field) => field.required && !field.read_only);
  const wanted = asked.length ? asked : model.fields.filter((field) => field.name === model.title_field);
  const body = Object.fromEntries(wanted.map((field) => [field.name, sample(field, model)]));
  return `curl ${who} -H "Content-Type: application/json" -d '${JSON.stringify(body)}' ${address}`;
}

/** @param {import("../types").Field} field @param {import("../types").Model} model */
function sample(field, model) {
  if (field.choices?.length) return field.choices[0];
  if (field.type === "integer" || field.type === "number" || field.type === "relation") return 1;
  if (field.type === "boolean") return true;
  if (field.type === "tags") return ["first"];
  return field.type === "json" ? {} : t("data.sample", { name: inSentence(model.label) });
}

/** @param {{model: import("../types").Model, selected: Set<number>, setSelected: (ids: Set<number>) => void, reload: () => void}} props */
function Bulk({ model, selected, setSelected, reload }) {
  const n = selected.size;
  const name = inSentence(n === 1 ? model.label : model.label_plural);
  const remove = async () => {
    if (!(await confirmDelete(n, name))) return;
    const left = new Set(selected);
    try {
      for (const id of selected) {
        await api.delete(`/api/v1/${model.name}/${id}`);
        left.delete(id);
      }
      say(t("data.deleted", { n, name }));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    setSelected(left);
    reload();
  };
  return html`<div class="bulk" role="toolbar" aria-label=${t("data.selected_name", { n, name })}>
    <span class="how-many">${t("data.selected", { n })}</span>
    <button class="btn dense danger" type="button" onClick=${remove}><${Icon} name="trash" />${t("data.delete", { n, name })}</button>
    <button class="btn only dense" type="button" onClick=${() => setSelected(new Set())} aria-label=${t("data.clear_selection")} title=${t("data.clear_selection")}>
      <${Icon} name="close" />
    </button>
  </div>`;
}

/** @param {number} n @param {string} name as it stands in a sentence, in the right number */
export function confirmDelete(n, name) {
  return confirm({
    heading: t("data.delete_ask", { n, name }), words: t("data.delete_words", { n }), verb: t("data.delete", { n, name }),
    stay: t("data.delete_keep", { n }), danger: true,
  });
}
