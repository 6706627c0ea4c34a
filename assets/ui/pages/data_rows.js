// The rows: a table on wide windows, cards on a phone; and what stands there when there are none.
import { curl } from "../curl.js";
import { typeOf } from "../fields/index.js";
import { t } from "../i18n.js";
import { may } from "../store.js";
import { html } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { Empty, Skeleton, Trouble } from "../widgets/trouble.js";
import { inSentence } from "../widgets/words.js";
import { Cards } from "./data_cards.js";
import { chosenColumns, isFiltered } from "./data_query.js";
import { Table } from "./data_table.js";
import { gridRoom, usualWidth } from "./data_widths.js";

const LATE = ["owner_id", "created_at", "updated_at"];
const BOOKKEEPING = [...LATE, "id"];

const isMoment = (/** @type {import("../types").Field} */ field) => field.name === "created_at";

/** Nobody writes it by hand: when it was is the first thing one asks. @param {import("../types").Model} model */
const isLog = (model) => model.fields.every((field) => field.read_only);

/** The key column first, then the model's own order; times and owner last (the moment of a log is first). @param {import("../types").Model} model @param {string[]|null} [names] only these, if given */
export function columnsOf(model, names = null) {
  const shown = model.fields.filter((field) => !field.write_only && typeOf(field).column !== "none");
  const key = shown.find((field) => field.name === model.title_field) || shown.find((field) => field.name === "id") || shown[0];
  const rest = shown.filter((field) => field !== key && field.name !== "id" && !LATE.includes(field.name));
  const id = shown.find((field) => field.name === "id" && field !== key);
  const late = LATE.flatMap((name) => shown.filter((field) => field.name === name));
  const all = [...(isLog(model) ? late.filter(isMoment) : []), ...rest, ...(isLog(model) ? late.filter((field) => !isMoment(field)) : late), ...(id ? [id] : [])];
  return { key, rest: names ? all.filter((field) => names.includes(field.name)) : all };
}

/** What a grid shows until somebody chooses: all that the model is about, and of its bookkeeping what has room. @param {import("../types").Model} model */
export function usualColumns(model) {
  const { key, rest } = columnsOf(model);
  const kept = (/** @type {import("../types").Field} */ field) => BOOKKEEPING.includes(field.name) && !(isLog(model) && isMoment(field));
  let room = gridRoom() - usualWidth(key, true);
  for (const field of rest) if (!kept(field)) room -= usualWidth(field);
  return rest.filter((field) => !kept(field) || (room -= usualWidth(field)) >= 0).map((field) => field.name);
}

/**
 * `former`: what is there is the answer to a question of before
 * @param {{model: import("../types").Model, page: any, former: boolean, live: any, query: URLSearchParams, record: string|null,
 *   move: (changes: Record<string, string|null>) => void, selected: Set<number>, setSelected: (ids: Set<number>) => void, clear: () => void}} props
 */
export function Rows(props) {
  const { model, page, former, live, query, move, clear } = props;
  const { rows } = live;
  const refused = page.error?.status === 422;
  if (page.error && !refused && !page.data) {
    return html`<div class="grid-wrap"><div class="column pad-top">
      <${Trouble} error=${page.error} what=${t("data.error", { name: inSentence(model.label_plural) })} retry=${page.reload} />
    </div></div>`;
  }
  if (!page.data) return html`<div class="grid-wrap">${page.slow && html`<${Skeleton} rows=${12} />`}</div>`;
  if (!rows.length && former) return html`<div class="grid-wrap">${page.slow && html`<${Skeleton} rows=${12} />`}</div>`;
  if (!rows.length) return html`<div class="grid-wrap"><${Nothing} model=${model} filtered=${isFiltered(query)} clear=${clear} move=${move} offset=${query.get("offset")} /></div>`;
  const shared = { ...props, ...live, columns: columnsOf(model, chosenColumns(model.name, query) || usualColumns(model)), canPick: may(model, "delete") || may(model, "update") };
  return html`<div class="grid-wrap" aria-busy=${former ? "true" : undefined}><${Table} ...${shared} /><${Cards} ...${shared} /></div>`;
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
  return html`<${Empty} heading=${t("data.empty", { name })} words=${words} curl=${request(model, create)}>
    ${create && html`<button class="btn primary" type="button" data-row="new" aria-keyshortcuts="n" onClick=${() => move({ record: "new" })}><${Icon} name="plus" />${t("data.add", { name: inSentence(model.label) })}</button>`}
  <//>`;
}

/** The request that does the same. @param {import("../types").Model} model @param {boolean} create */
function request(model, create) {
  const path = `/api/v1/${model.name}`;
  if (!create) return curl(path);
  if (model.name === "files") return curl(path, { options: "-F file=@photo.jpg" });
  const asked = model.fields.filter((field) => field.required && !field.read_only);
  const wanted = asked.length ? asked : model.fields.filter((field) => field.name === model.title_field);
  return curl(path, { json: Object.fromEntries(wanted.map((field) => [field.name, sample(field, model)])) });
}

/** @param {import("../types").Field} field @param {import("../types").Model} model */
function sample(field, model) {
  if (field.choices?.length) return field.choices[0];
  if (field.type === "integer" || field.type === "number" || field.type === "relation" || field.type === "file") return 1;
  if (field.type === "boolean") return true;
  if (field.type === "tags") return ["first"];
  return field.type === "json" ? {} : t("data.sample", { name: inSentence(model.label) });
}
