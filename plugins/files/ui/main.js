// Which folders AI clients may use: for admins, who choose them here instead of writing JSON.
import { Icon, api, confirm, href, html, page, say, useEffect, useFresh, useState } from "../../../ui/sdk.js";

const SETTINGS = "/api/v1/plugins/files/settings";

function Files() {
  const [folders, setFolders] = useState(/** @type {any[]|null} */ (null));
  const [problem, setProblem] = useState("");
  const [groups, setGroups] = useState(/** @type {string[]|null} */ (null));
  const loadGroups = async () => {
    try {
      setGroups((await api.get("/api/v1/groups", { query: "sort=name&limit=500&fields=name" })).data.map((one) => one.name));
    } catch (error) {
      setProblem(words(error));
    }
  };
  const load = async () => {
    try {
      const { data } = await api.get(SETTINGS);
      setFolders(data.values.folders);
      setProblem(data.error || "");
    } catch (error) {
      setProblem(words(error));
    }
  };
  useEffect(() => void [load(), loadGroups()], []);
  useFresh(["groups"], loadGroups);
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
    <${Add} add=${change} groups=${groups} />
    <section class="card" aria-labelledby="files-list">
      <header><h2 id="files-list">Folders</h2></header>
      ${folders && !folders.length && html`<p class="body small soft">None yet: AI clients see no file of this computer.</p>`}
      <ul class="plain-list">${(folders || []).map((one) => html`<${Folder} key=${one.name} folder=${one} groups=${groups} act=${act} />`)}</ul>
    </section>
  </div>`;
}

function Folder({ folder, groups, act }) {
  const nobody = (folder.who || []).filter((one) => groups && one.startsWith("group:") && !groups.includes(one.slice("group:".length)));
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
      ${nobody.map((one) => html`<p class="small bad-ink" key=${one}>There is no group ${one.slice("group:".length)} any more.</p>`)}
    </div>
    <label class="row small"><input class="switch" type="checkbox" role="switch" checked=${Boolean(folder.writable)} onChange=${write} aria-label=${`Writable: ${folder.name}`} />Writable</label>
    <button class="btn only quiet dense" type="button" aria-label=${`Remove ${folder.name}`} title="Remove" onClick=${remove}><${Icon} name="close" /></button>
  </li>`;
}

/** What was typed stays until it is added. */
function Add({ add, groups }) {
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
      <span class="select"><select class="input" id="files-group" value=${group} onChange=${(event) => setGroup(event.target.value)}>
        <option value="">Choose one</option>${(groups || []).map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
      </select><${Icon} name="down" /></span>
      ${groups?.length === 0 && html`<p class="help">There is no group yet: <a class="link" href=${href("/people/groups")}>make one under People</a>.</p>`}</div>`}
    ${problem && html`<p class="small bad-ink" role="alert">${problem}</p>`}
    <div><button class="btn primary" type="submit" disabled=${!path || !called || (who === "group" && !groups?.includes(group))}><${Icon} name="plus" />Add</button></div>
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
