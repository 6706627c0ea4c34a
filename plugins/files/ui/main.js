// Which folders AI clients may use: for admins, who choose them here instead of writing JSON.
import { Icon, api, confirm, html, page, say, useEffect, useState } from "../../../ui/sdk.js";

const SETTINGS = "/api/v1/plugins/files/settings";

function Files() {
  const [folders, setFolders] = useState(/** @type {any[]|null} */ (null));
  const [problem, setProblem] = useState("");
  const load = async () => {
    try {
      const { data } = await api.get(SETTINGS);
      setFolders(data.values.folders);
      setProblem(data.error || "");
    } catch (error) {
      setProblem(words(error));
    }
  };
  useEffect(() => void load(), []);
  /** Asks anew what there is, so that nothing that somebody else changed is lost. */
  const change = async (alter) => {
    const { data } = await api.get(SETTINGS);
    const answer = await api.put(SETTINGS, { ...data.values, folders: alter(data.values.folders) });
    setFolders(answer.data.values.folders);
    setProblem(answer.data.error || "");
  };
  const act = async (alter, done, undo) => {
    try {
      await change(alter);
      say(done, "ok", undo && { label: "Undo", run: () => act(undo, "As it was before") });
    } catch (error) {
      say(words(error), "bad");
      await load();
    }
  };
  return html`<div class="column pad-top stack">
    <h1>Files</h1>
    <p class="soft">Folders of this computer that AI clients may use, and nothing else of it.</p>
    ${problem && html`<p class="bad-ink" role="alert">${problem}</p>`}
    <${Add} add=${change} />
    <section class="card" aria-labelledby="files-list">
      <header><h2 id="files-list">Folders</h2></header>
      ${folders && !folders.length && html`<p class="body small soft">None yet: AI clients see no file of this computer.</p>`}
      <ul class="plain-list">${(folders || []).map((one) => html`<${Folder} key=${one.name} folder=${one} act=${act} />`)}</ul>
    </section>
  </div>`;
}

function Folder({ folder, act }) {
  const replaced = (wanted) => (all) => all.map((one) => (one.name === folder.name ? wanted : one));
  const write = async (event) => {
    const writable = event.target.checked;
    event.target.checked = Boolean(folder.writable);
    if (writable && !(await confirm({ heading: `Let AI clients write in ${folder.name}?`, words: "What they delete or replace goes to .gridbear-trash in that folder.", verb: "Let them write" }))) return;
    await act(replaced({ ...folder, writable }), writable ? "May be written" : "To read only", replaced(folder));
  };
  const remove = () => act((all) => all.filter((one) => one.name !== folder.name), "No folder for clients any more; its files stay", (all) => [...all, folder]);
  return html`<li class="row wrap">
    <div class="grow min0 stack tight">
      <p class="strong">${folder.name}</p>
      <p class="small soft break"><code>${folder.path}</code> · ${(folder.who || ["admins"]).join(", ")}${folder.hidden ? " · with hidden files" : ""}</p>
    </div>
    <label class="row small"><input class="switch" type="checkbox" role="switch" checked=${Boolean(folder.writable)} onChange=${write} aria-label=${`Writable: ${folder.name}`} />Writable</label>
    <button class="btn only quiet dense" type="button" aria-label=${`Remove ${folder.name}`} title="Remove" onClick=${remove}><${Icon} name="close" /></button>
  </li>`;
}

/** What was typed stays until it is added. */
function Add({ add }) {
  const [path, setPath] = useState("");
  const [name, setName] = useState("");
  const [who, setWho] = useState("admins");
  const [group, setGroup] = useState("");
  const [problem, setProblem] = useState("");
  const called = name || suggested(path);
  const submit = async (event) => {
    event.preventDefault();
    try {
      await api.post("/api/files/check", { name: called, path });
      await add((all) => [...all, { name: called, path, who: [who === "group" ? `group:${group}` : who] }]);
      say(`${called} is there for clients, to read`);
      [setPath(""), setName(""), setProblem("")];
    } catch (error) {
      setProblem(words(error));
    }
  };
  return html`<form class="card" onSubmit=${submit}><header><h2>Add a folder</h2></header><div class="body form">
    <div class="field"><label for="files-path">Path</label>
      <input class="input" id="files-path" autocomplete="off" spellcheck=${false} placeholder="/home/ada/notes" value=${path} onInput=${(event) => setPath(event.target.value)} /></div>
    <div class="field"><label for="files-name">Name for clients</label>
      <input class="input" id="files-name" autocomplete="off" maxlength="40" placeholder=${suggested(path) || "notes"} value=${name} onInput=${(event) => setName(event.target.value)} /></div>
    <div class="field"><label for="files-who">Who may use it</label>
      <span class="select"><select class="input" id="files-who" value=${who} onChange=${(event) => setWho(event.target.value)}>
        <option value="admins">Admins</option><option value="everyone">Everyone</option><option value="group">A group</option>
      </select><${Icon} name="down" /></span></div>
    ${who === "group" && html`<div class="field"><label for="files-group">Group</label>
      <input class="input" id="files-group" autocomplete="off" maxlength="100" value=${group} onInput=${(event) => setGroup(event.target.value)} /></div>`}
    ${problem && html`<p class="small bad-ink" role="alert">${problem}</p>`}
    <div><button class="btn primary" type="submit" disabled=${!path || !called || (who === "group" && !group)}><${Icon} name="plus" />Add</button></div>
  </div></form>`;
}

/** The last part of a path, as names are. @param {string} path */
function suggested(path) {
  const last = path.split(/[\\/]/).filter(Boolean).pop() || "";
  return last.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
}

function words(error) {
  const fields = Object.values(error.fields || {});
  return fields.length ? fields.map((one) => one.message).join(" ") : error.message;
}

page({ name: "files", label: "Files", icon: "folder", Page: Files, admin: true });
