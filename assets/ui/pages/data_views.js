// Views: filters, order and columns of a grid under a name, kept for the person.
import { t } from "../i18n.js";
import { href } from "../router.js";
import { keep, stored } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { Labelled } from "../widgets/labelled.js";
import { PlacedMenu } from "../widgets/menu.js";
import { say } from "../widgets/toasts.js";

/** @typedef {{name: string, query: string}} View `query` as in the page's address */

const PARTS = ["where", "q", "sort", "columns"];
const LONGEST = 60;

/** @param {string} model @returns {View[]} */
function read(model) {
  try {
    const kept = JSON.parse(stored(`views.${model}`, "[]"));
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.name === "string" && typeof one?.query === "string") : [];
  } catch {
    return [];
  }
}

/** What of an address makes a view. @param {URLSearchParams} query */
function viewOf(query) {
  const view = new URLSearchParams();
  for (const part of PARTS) for (const value of query.getAll(part)) view.append(part, value);
  return view.toString();
}

/** @param {{model: import("../types").Model, query: URLSearchParams}} props */
export function Views({ model, query }) {
  const [views, setViews] = useState(() => read(model.name));
  const [naming, setNaming] = useState(false);
  const now = viewOf(query);
  const current = views.find((view) => view.query === now);
  const keepAll = (/** @type {View[]} */ next) => {
    setViews(next);
    keep(`views.${model.name}`, JSON.stringify(next));
  };
  const remove = (/** @type {View} */ view) => {
    const before = read(model.name);
    const at = before.findIndex((one) => one.name === view.name);
    keepAll(before.filter((one) => one.name !== view.name));
    const back = () => {
      keepAll(read(model.name).toSpliced(at, 0, view));
      say(t("undo.done", { n: 1 }), "ok", { label: t("undo.do"), run: () => remove(view) });
    };
    say(t("views.removed", { name: view.name }), "ok", { label: t("undo.do"), run: back });
  };
  const save = (/** @type {string} */ name) => {
    const rest = read(model.name);
    const at = rest.findIndex((one) => one.name === name);
    keepAll(at < 0 ? [...rest, { name, query: now }] : rest.with(at, { name, query: now }));
    setNaming(false);
    say(t("views.saved", { name }));
  };
  const label = current ? t("views.current", { name: current.name }) : t("views.title");
  return html`<${PlacedMenu} id="view-menu" label=${label} className="btn only" button=${html`<${Icon} name="tag" />`}>
      <ul class="views">
        <li aria-current=${now === "" ? "true" : undefined}><a href=${href(`/data/${model.name}`)}>${t("views.all")}</a></li>
        ${views.map((view) => html`<li key=${view.name} aria-current=${view === current ? "true" : undefined}>
          <a href=${href(`/data/${model.name}`, new URLSearchParams(view.query))}><span class="clip">${view.name}</span></a>
          <button class="btn only quiet dense" type="button" onClick=${() => remove(view)} aria-label=${t("views.remove", { name: view.name })} title=${t("views.remove", { name: view.name })}><${Icon} name="trash" size=${14} /></button>
        </li>`)}
        <li><button type="button" disabled=${now === "" || Boolean(current)} onClick=${() => setNaming(true)}><${Icon} name="plus" />${t("views.save")}</button></li>
      </ul>
    <//>
    ${naming && html`<${Naming} names=${views.map((view) => view.name)} save=${save} close=${() => setNaming(false)} />`}`;
}

/** @param {{names: string[], save: (name: string) => void, close: () => void}} props */
function Naming({ names, save, close }) {
  const [name, setName] = useState("");
  const chosen = name.trim();
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (chosen) save(chosen);
  };
  return html`<${Dialog} label="view-title" onClose=${close}>
    <h2 id="view-title">${t("views.save")}</h2>
    <form class="form" onSubmit=${submit}>
      <${Labelled} id="view-name" label=${t("views.name")} help=${t(names.includes(chosen) ? "views.replaces" : "views.name_help")}>
        <input class="input" id="view-name" required maxlength=${LONGEST} autocomplete="off" aria-describedby="view-name-help" value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
      <//>
      <footer>
        <${Cancel} />
        <button class="btn primary" type="submit" disabled=${!chosen}>${t(names.includes(chosen) ? "views.replace" : "views.keep")}</button>
      </footer>
    </form>
  <//>`;
}
