// One record beside the grid: its form, what happened to it, what refers to it, and its end.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { isAdmin, may } from "../store.js";
import { sayChanged } from "../undo.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { askToDiscard } from "../widgets/dialog.js";
import { useHere } from "../widgets/here.js";
import { Icon } from "../widgets/icon.js";
import { useLoad } from "../widgets/load.js";
import { Tabs } from "../widgets/tabs.js";
import { Ago } from "../widgets/time.js";
import { say } from "../widgets/toasts.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";
import { holdTyped } from "../widgets/unsaved.js";
import { inSentence, titleOf } from "../widgets/words.js";
import { FileBanner, NewFiles } from "./data_file.js";
import { RecordForm } from "./data_form.js";
import { RecordHistory } from "./data_history.js";
import { Linked, RecordRequests, referrers } from "./data_linked.js";
import { ResetLink } from "./people_links.js";
import { SecretOnce, shownOnce } from "./data_secret.js";

/**
 * @param {{model: import("../types").Model, id: string, like: string|null, rows: import("../types").Row[], gone: Set<number>, close: (removed?: boolean) => void, open: (id: string, like?: string) => void, became: (id: string) => void, changed: () => void}} props
 * `like`: a new record begins with what this one holds; `became`: what was new stays open here as the record that was made of it
 */
export function Drawer({ model, id, like, rows, gone, close, open, became, changed }) {
  const isNew = id === "new";
  const loaded = useLoad(async (signal) => {
    const given = isNew && like !== null ? (await api.get(`/api/v1/${model.name}/${like}`, { signal })).data : undefined;
    const { data, etag } = isNew ? { data: {}, etag: null } : await api.get(`/api/v1/${model.name}/${id}`, { signal });
    return { data, etag, given };
  }, [model.name, id, like]);
  const [round, setRound] = useState(0);
  const here = useHere();
  /** Not what was opened since. @param {boolean} [removed] */
  const end = (removed = false) => {
    dirty.current = false;
    if (here()) close(removed);
  };
  const [secrets, setSecrets] = useState(/** @type {[string, string][]} */ ([]));
  const [tab, setTab] = useState("fields");
  const dirty = useRef(false);
  const heading = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  useEffect(() => {
    if (round) /** @type {HTMLElement|null} */ (document.querySelector(".drawer .record :is(input, textarea, select)"))?.focus();
  }, [round]);
  /** @param {() => void} act */
  const leave = async (act) => {
    if (dirty.current && !(await askToDiscard())) return;
    dirty.current = false;
    act();
  };
  useEffect(() => {
    const stays = (/** @type {import("../router.js").Route} */ to) => to.path === `/data/${model.name}` && to.query.get("record") === id;
    return holdTyped(() => dirty.current, stays);
  }, [model.name, id]);
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
      event.preventDefault();
      leave(() => close());
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [id]);
  const [made, setMade] = useState(/** @type {import("../types").Row|null} */ (null));
  const shown = made && loaded.data?.data.id !== made.id ? { data: made, etag: null, given: undefined } : loaded.data;
  const row = /** @type {import("../types").Row} */ (shown?.data || {});
  // The grid hears at once what others do: what is open here follows, and what was typed stays.
  const stamp = `${rows.find((one) => String(one.id) === id)?.updated_at ?? ""}/${gone.has(Number(id))}`;
  const heard = useRef(stamp);
  useEffect(() => {
    if (heard.current !== stamp) loaded.reload();
    heard.current = stamp;
  }, [stamp]);
  const lost = !isNew && loaded.error?.status === 404;
  const writable = useRef(false);
  // A right that is taken away does not take away what was typed; the server says no, and it can be copied.
  writable.current = may(model, isNew ? "create" : "update") || (dirty.current && writable.current);
  /** @param {import("../types").Row} fresh @param {boolean} isMade @param {boolean} another an empty form follows @param {boolean} typed more was typed since it was sent */
  const saved = (fresh, isMade, another, typed) => {
    dirty.current = false;
    changed();
    const once = isMade ? shownOnce(model, fresh) : [];
    // It is a change of the record now, and not saved yet.
    const stays = isNew && typed && here();
    if (stays) {
      setMade(fresh);
      became(String(fresh.id));
      dirty.current = true;
    }
    if (once.length) setSecrets(once);
    else if (stays) setTab("fields");
    else if (isMade && another) setRound((n) => n + 1);
    else if (isMade) end();
    else loaded.reload();
    const title = titleOf(model, fresh);
    if (isMade) say(t("form.created", { title }));
    else sayChanged(model, fresh, t("form.saved", { title }));
  };
  const again = () => {
    changed();
    loaded.reload();
  };
  const tabs = ["fields", ...(model.history && may(model, "read") ? ["history"] : []), ...(referrers(model).length ? ["linked"] : []), "api"];
  const at = rows.findIndex((one) => String(one.id) === id);
  return html`<aside class="drawer" aria-labelledby="record-title">
    <header>
      <div class="say">
        <h2 id="record-title" tabindex="-1" ref=${heading}>${isNew ? t("form.new", { name: inSentence(model.label) }) : row.id ? titleOf(model, row) : model.label}</h2>
        ${!isNew && html`<p class="mono">${model.name}/${id}${row.updated_at && html`, ${t("form.changed")} <${Ago} iso=${row.updated_at} />`}</p>`}
      </div>
      ${!isNew && at >= 0 && html`<${Step} label=${t("form.previous")} icon="left" to=${rows[at - 1]} go=${(/** @type {string} */ next) => leave(() => open(next))} />
        <${Step} label=${t("form.next")} icon="right" to=${rows[at + 1]} go=${(/** @type {string} */ next) => leave(() => open(next))} />`}
      ${row.id && model.name !== "files" && may(model, "create") && html`<button class="btn only quiet" type="button" onClick=${() => leave(() => open("new", id))} aria-label=${t("form.like")} title=${t("form.like")}><${Icon} name="copy" /></button>`}
      <button class="btn only quiet" type="button" onClick=${() => leave(() => close())} aria-label=${t("do.close")} title=${t("do.close")}><${Icon} name="close" /></button>
    </header>
    ${!isNew && shown && html`<${Tabs} label=${t("form.parts")} current=${tab} choose=${setTab} panel="record-part"
      tabs=${tabs.map((name) => ({ name, label: t(`form.tab_${name}`) }))} />`}
    ${row.id && model.name === "users" && isAdmin() && tab === "fields" && html`<p class="drawer-do"><${ResetLink} id=${row.id} name=${titleOf(model, row)} /></p>`}
    ${loaded.error && !loaded.data && html`<div class="scroll"><${Trouble} error=${loaded.error} what=${t("form.error", { name: inSentence(model.label) })} retry=${loaded.reload} /></div>`}
    ${!loaded.data && !loaded.error && html`<div class="scroll">${loaded.slow && html`<${Skeleton} rows=${6} />`}</div>`}
    ${shown && tab !== "fields" && html`<div class="scroll" id="record-part" role="tabpanel" aria-label=${t(`form.tab_${tab}`)} tabindex="0">
      ${tab === "history" && html`<${RecordHistory} key=${shown.etag} model=${model} id=${id} restored=${again} />`}
      ${tab === "linked" && html`<${Linked} model=${model} id=${id} />`}
      ${tab === "api" && html`<${RecordRequests} model=${model} id=${id} />`}
    </div>`}
    ${!isNew && loaded.data && tab === "fields" && model.name === "files" && html`<${FileBanner} row=${row} />`}
    ${isNew && model.name === "files" && html`<${NewFiles} dirty=${dirty} done=${() => {
      changed();
      end();
    }} />`}
    ${shown && !(isNew && model.name === "files") && html`<${RecordForm}
      key=${round} given=${round ? undefined : shown.given} hidden=${tab !== "fields"} model=${model} row=${row} etag=${shown.etag} isNew=${isNew} dirty=${dirty}
      gone=${lost} writable=${writable.current} reload=${loaded.reload} saved=${saved} leave=${() => leave(() => close())}
      changed=${changed} removed=${() => end(true)}
    />`}
    ${secrets.length > 0 && html`<${SecretOnce} model=${model} secrets=${secrets} close=${() => (made ? setSecrets([]) : end())} />`}
  </aside>`;
}

/** @param {{label: string, icon: string, to: import("../types").Row|undefined, go: (id: string) => void}} props */
function Step({ label, icon, to, go }) {
  return html`<button class="btn only quiet desk-only" type="button" aria-label=${label} title=${label} disabled=${!to} onClick=${() => to && go(String(to.id))}>
    <${Icon} name=${icon} />
  </button>`;
}
