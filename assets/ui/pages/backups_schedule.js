// When backups are made by themselves, how many stay, and the other folder that gets a copy: records of the settings.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";
import { FieldError } from "../widgets/labelled.js";
import { useLoad } from "../widgets/load.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

const EVERY = ["daily 03:00", "every 6 hours", "every 12 hours", "off"];
/** @type {Record<string, string>} */
const DEFAULTS = { backup_schedule: "daily 03:00", backup_keep: "14", backup_copy_to: "", backup_copy_keep: "30" };

/** @param {{status: any, saved: () => void}} props */
export function ScheduleCard({ status, saved }) {
  const query = `name__in=${Object.keys(DEFAULTS).join(",")}`;
  const { data, reload } = useLoad(async (signal) => (await api.get("/api/v1/settings", { signal, query })).data, []);
  if (!data) return null;
  const set = Object.fromEntries(data.map((/** @type {any} */ one) => [one.name, one]));
  const props = (/** @type {string} */ name) => ({ name, record: set[name], saved: () => {
    reload();
    saved();
  } });
  const every = [...new Set([...EVERY, status.schedule])];
  return html`<section class="card" aria-labelledby="schedule-title">
    <header><h2 id="schedule-title">${t("schedule.title")}</h2></header>
    <${Setting} key=${`s${status.schedule}`} ...${props("backup_schedule")} now=${status.schedule} choices=${every} />
    <${Setting} key=${`k${set.backup_keep?.value}`} ...${props("backup_keep")} now=${set.backup_keep?.value ?? DEFAULTS.backup_keep} />
    <${Setting} key=${`c${set.backup_copy_to?.value}`} ...${props("backup_copy_to")} now=${set.backup_copy_to?.value ?? status.copies?.folder ?? ""} />
    <${Setting} key=${`n${set.backup_copy_keep?.value}`} ...${props("backup_copy_keep")} now=${set.backup_copy_keep?.value ?? DEFAULTS.backup_copy_keep} />
  </section>`;
}

/** @param {{name: string, record: any, now: string, choices?: string[], saved: () => void}} props */
function Setting({ name, record, now, choices, saved }) {
  const [text, setText] = useState(String(now));
  const [error, setError] = useState("");
  const id = `setting-${name}`;
  const save = async (/** @type {string} */ value) => {
    if (value === String(now)) return;
    setError("");
    try {
      if (value === DEFAULTS[name] && record) await api.delete(`/api/v1/settings/${record.id}`);
      else await api.post("/api/v1/settings", { name, value }, { query: "upsert=name" });
      say(t("schedule.saved"));
      saved();
    } catch (/** @type {any} */ failed) {
      setError(failed.fields?.value?.message || sentence(failed));
    }
  };
  const input = (/** @type {any} */ event) => setText(event.target.value);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    save(text.trim());
  };
  return html`<form class="setting" onSubmit=${submit}>
    <div><label for=${id}>${t(`schedule.${name}`)}</label><p class="help" id=${`${id}-help`}>${t(`schedule.${name}_help`)}</p></div>
    <div class="field">
      ${choices
        ? html`<span class="select"><select class="input" id=${id} value=${text} aria-describedby=${`${id}-help`} onChange=${(/** @type {any} */ event) => save(event.target.value)}>
            ${choices.map((one) => html`<option key=${one} value=${one} selected=${one === text}>${EVERY.includes(one) ? t(`schedule.every_${EVERY.indexOf(one)}`) : one}</option>`)}
          </select><${Icon} name="down" /></span>`
        : html`<span class="row"><input class=${`input ${name === "backup_copy_to" ? "mono" : "num"}`} id=${id} value=${text} aria-describedby=${`${id}-help`} aria-invalid=${error ? "true" : undefined} spellcheck="false" onInput=${input} />
            ${text.trim() !== String(now) && html`<button class="btn" type="submit">${t("form.save_none")}</button>`}</span>`}
      ${error && html`<${FieldError} text=${error} />`}
      <p class="tiny muted">${t(record ? "schedule.set_here" : "schedule.default")}</p>
    </div>
  </form>`;
}
