// One's name, e-mail and picture.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { may, modelNamed, person } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { fileAddress } from "../widgets/file.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { Trouble, Waiting, sentence } from "../widgets/trouble.js";
import { ChooseButton, Sending, Unsent, useUpload } from "../widgets/uploading.js";

/** What the fields are drawn with until the answer is here, so that they need not push the page down. @type {{user: any, etag: string|null, picture: any}} */
const NOT_YET = { user: {}, etag: null, picture: null };

export function Profile() {
  const id = person.value?.id;
  const page = useLoad(async (signal) => {
    const [user, pictures] = await Promise.all([
      api.get(`/api/v1/users/${id}`, { signal }),
      modelNamed("avatars") ? api.get("/api/v1/avatars", { signal, query: `owner_id=${id}` }) : { data: [] },
    ]);
    return { user: user.data, etag: user.etag, picture: pictures.data[0] || null };
  }, [id]);
  const { data, error, reload } = page;
  const { user, etag, picture } = data || NOT_YET;
  return html`<section class="card" aria-labelledby="account-profile">
    <header><h2 id="account-profile">${t("account.profile")}</h2></header>
    ${error && !data && html`<div class="body"><${Trouble} error=${error} what=${t("account.error")} retry=${reload} /></div>`}
    <${Waiting} page=${page} />
    ${(data || !error) && html`<fieldset class="body stack wide" disabled=${!data}><${Picture} picture=${picture} reload=${reload} /><${Names} key=${user.id} user=${user} etag=${etag} reload=${reload} /></fieldset>`}
  </section>`;
}

/** @param {{user: any, etag: string|null, reload: () => void}} props */
function Names({ user, etag, reload }) {
  // What was typed stays over what is newer of the rest.
  const [typed, setTyped] = useState(/** @type {Record<string, string>} */ ({}));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  /** @type {Record<string, string>} */
  const values = { display_name: user.display_name || "", email: user.email || "", ...typed };
  const changed = Object.keys(typed).filter((name) => typed[name].trim() !== (user[name] || ""));
  const set = (/** @type {string} */ name) => (/** @type {any} */ event) => setTyped((now) => ({ ...now, [name]: event.target.value }));
  const [busy, once] = useBusy();
  const save = (/** @type {Event} */ event) => {
    event.preventDefault();
    once(send);
  };
  const send = async () => {
    try {
      const { data } = await api.patch(`/api/v1/users/${user.id}`, Object.fromEntries(changed.map((name) => [name, values[name].trim() || null])), etag ? { headers: { "if-match": etag } } : {});
      person.value = { .../** @type {any} */ (person.value), display_name: data.display_name };
      setProblem(null);
      setTyped(Object.fromEntries(changed.map((name) => [name, data[name] || ""])));
      say(t("account.saved"));
      reload();
    } catch (/** @type {any} */ refused) {
      setProblem(refused);
      // Somebody else was faster: saving again changes what there is now.
      if (refused.status === 412) reload();
    }
  };
  const about = (/** @type {string} */ field) => problem?.fields?.[field]?.message;
  return html`<form class="form narrow" onSubmit=${save}>
    <${Labelled} id="my-name" label=${t("account.name")} error=${about("display_name")}>
      <input class="input" id="my-name" autocomplete="name" value=${values.display_name} aria-invalid=${about("display_name") ? "true" : undefined} onInput=${set("display_name")} /><//>
    <${Labelled} id="my-email" label=${t("account.email")} error=${about("email")}>
      <input class="input" id="my-email" type="text" inputmode="email" autocomplete="email" value=${values.email} aria-invalid=${about("email") ? "true" : undefined} onInput=${set("email")} /><//>
    ${problem && !Object.keys(problem.fields).length && html`<div class="field"><${FieldError} text=${sentence(problem)} /></div>`}
    <div class="row"><button class="btn primary" type="submit" disabled=${busy || !changed.length}>${t("account.save")}</button></div>
  </form>`;
}

/** @param {{picture: any, reload: () => void}} props */
function Picture({ picture, reload }) {
  const field = modelNamed("avatars")?.fields.find((one) => one.name === "picture");
  const sending = useUpload({ accept: field?.accept, max_bytes: field?.max_bytes }, async (row) => {
    try {
      if (picture) await api.patch(`/api/v1/avatars/${picture.id}`, { picture: row.id });
      else await api.post("/api/v1/avatars", { picture: row.id });
      say(t("account.saved"));
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    reload();
  });
  if (!field || !may(modelNamed("files"), "create")) return null;
  const remove = async () => {
    await attempt(() => api.delete(`/api/v1/avatars/${picture.id}`), t("account.picture_gone"), back);
  };
  // Its file stays for a while when nothing refers to it any more.
  const back = async () => {
    const { picture: file } = picture;
    await attempt(() => api.post("/api/v1/avatars", { picture: file }), t("undo.done", { n: 1 }));
  };
  /** @param {() => Promise<any>} deed @param {string} done @param {() => void} [undo] */
  const attempt = async (deed, done, undo) => {
    try {
      await deed();
      say(done, "ok", undo && { label: t("undo.do"), run: undo });
    } catch (problem) {
      say(sentence(problem), "bad");
    }
    reload();
  };
  if (sending.name) return html`<${Sending} ...${sending} />`;
  return html`<div class="row wrap">
      ${picture && html`<img class="portrait" src=${fileAddress({ id: picture.picture, content_type: "image/png", name: "", size: 0 })} alt=${t("account.picture")} width="56" height="56" />`}
      <${ChooseButton} id="my-picture" words=${t(picture ? "account.other_picture" : "account.add_picture")} accept=${field.accept} take=${(/** @type {File[]} */ files) => void sending.start(files[0])} />
      ${picture && html`<button class="btn quiet dense" type="button" onClick=${remove}>${t("account.no_picture")}</button>`}
    </div>
    <${Unsent} problem=${sending.problem} again=${sending.unsent && (() => void sending.start(/** @type {File} */ (sending.unsent)))} />`;
}
