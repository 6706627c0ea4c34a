// One-time links for people, made by admins: to join, or to set a new password.
import { request } from "../api.js";
import { formatExact, t } from "../i18n.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Copyable } from "../widgets/copy.js";
import { Cancel, Dialog } from "../widgets/dialog.js";
import { Icon } from "../widgets/icon.js";
import { FieldError, Labelled } from "../widgets/labelled.js";
import { QrCode } from "../widgets/qr_code.js";
import { Select } from "../widgets/select.js";
import { sentence } from "../widgets/trouble.js";

const ROLES = ["member", "guest", "admin"];
/** How long a link works, in hours. */
const LIFETIMES = [24, 72, 168, 720];

/** @param {{close: () => void}} props */
export function InviteDialog({ close }) {
  const [role, setRole] = useState(ROLES[0]);
  const [username, setUsername] = useState("");
  const [hours, setHours] = useState("72");
  const [groups, setGroups] = useState(/** @type {string[]} */ ([]));
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  useEffect(() => {
    // Without them the invitation works as well.
    const known = request("GET", "/api/v1/groups", { query: "limit=500&total=false&fields=name&sort=name:nocase" });
    known.then(({ data }) => setGroups(data.map((/** @type {any} */ row) => row.name))).catch(() => {});
  }, []);
  const { made, error, busy, make } = useLink("/auth/invites");
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    make({ role, username: username.trim(), groups: chosen, hours: Number(hours) });
  };
  return html`<${Dialog} label="invite-title" onClose=${close}>
    <h2 id="invite-title">${t("invite.title")}</h2>
    ${made ? html`<${Made} made=${made} close=${close} />` : html`<p>${t("invite.words")}</p>
      <form class="form" onSubmit=${submit}>
        <${Labelled} id="invite-role" label=${t("invite.role")}><${Select} id="invite-role" value=${role} onChange=${(/** @type {any} */ event) => setRole(event.target.value)}>
            ${ROLES.map((one) => html`<option key=${one} value=${one} selected=${one === role}>${t(`invite.role_${one}`)}</option>`)}
          <//><//>
        <${Labelled} id="invite-name" label=${t("signin.username")} help=${t("invite.name_help")}>
          <input class="input" id="invite-name" value=${username} autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="invite-name-help"
            onInput=${(/** @type {any} */ event) => setUsername(event.target.value)} /><//>
        <${Labelled} id="invite-hours" label=${t("invite.works")}><${Select} id="invite-hours" value=${hours} onChange=${(/** @type {any} */ event) => setHours(event.target.value)}>
            ${LIFETIMES.map((one) => html`<option key=${one} value=${String(one)} selected=${String(one) === hours}>${t("invite.days", { n: one / 24 })}</option>`)}
          <//><//>
        ${groups.length > 0 && html`<${GroupChoice} groups=${groups} chosen=${chosen} choose=${setChosen} />`}
        ${error && html`<div class="field"><${FieldError} text=${error} /></div>`}
        <footer><${Cancel} /><button class="btn primary" type="submit" disabled=${busy}>${t("invite.do")}</button></footer>
      </form>`}
  <//>`;
}

/** @param {{groups: string[], chosen: string[], choose: (names: string[]) => void}} props */
function GroupChoice({ groups, chosen, choose }) {
  const toggle = (/** @type {string} */ name) =>
    choose(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return html`<fieldset class="stack bare"><legend class="label">${t("invite.groups")}</legend>
    ${groups.map((name, place) => html`<div class="check-row" key=${name}>
      <input class="check" type="checkbox" id=${`invite-group-${place}`} checked=${chosen.includes(name)} onChange=${() => toggle(name)} />
      <label for=${`invite-group-${place}`}>${name}</label></div>`)}
  </fieldset>`;
}

/** In the drawer of a person: a link with which they set a new password. @param {{id: number, name: string}} props */
export function ResetLink({ id, name }) {
  const [open, setOpen] = useState(false);
  const { made, error, make } = useLink("/auth/resets");
  const close = () => setOpen(false);
  const begin = () => {
    setOpen(true);
    make({ user_id: String(id) });
  };
  return html`<button class="btn dense" type="button" onClick=${begin}><${Icon} name="key" />${t("invite.reset")}</button>
    ${open && html`<${Dialog} label="reset-title" onClose=${close}>
      <h2 id="reset-title">${t("invite.reset_title", { name })}</h2>
      ${made && html`<${Made} made=${made} close=${close} />`}
      ${error && html`<div class="field"><${FieldError} text=${error} /></div><footer><button class="btn" type="button" onClick=${close}>${t("do.close")}</button></footer>`}
    <//>`}`;
}

/** @param {string} path */
function useLink(path) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [error, setError] = useState("");
  const [busy, once] = useBusy();
  const make = (/** @type {Record<string, any>} */ body) => once(async () => {
    setError("");
    try {
      setMade((await request("POST", path, { body })).data);
    } catch (/** @type {any} */ problem) {
      setError(Object.values(problem.fields || {})[0]?.message || sentence(problem));
    }
  });
  return { made, error, busy, make };
}

/** @param {{made: {url: string, qr: string[], expires_at: string}, close: () => void}} props */
function Made({ made, close }) {
  return html`<p>${t("invite.made", { time: formatExact(made.expires_at) })}</p>
    <${Copyable} text=${made.url} label=${t("invite.copy")} />
    <${QrCode} rows=${made.qr} label=${t("invite.qr")} />
    <footer><button class="btn primary" type="button" onClick=${close}>${t("invite.done")}</button></footer>`;
}
