// What stands above every page while the disk is nearly full or the database file is in trouble, and what an admin can do.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { href } from "../router.js";
import { isAdmin, server } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { say } from "./toasts.js";
import { sentence } from "./trouble.js";

/** @param {{reload: () => Promise<void>}} props reads the server's state anew */
export function StorageBanner({ reload }) {
  const storage = server.value?.storage;
  const [busy, setBusy] = useState(false);
  if (!storage) return null;
  const check = storage.check;
  const act = async (/** @type {string} */ path) => {
    setBusy(true);
    try {
      await api.post(`/api/v1/server/${path}`);
    } catch (error) {
      say(sentence(error), "bad");
    }
    await reload();
    setBusy(false);
  };
  const recovery = storage.state === "recovery";
  return html`<div class=${`banner ${storage.state === "logs_stopped" ? "" : "bad"}`} role="status">
    <${Icon} name="alert" size=${16} />
    <p class="grow"><b>${t(`storage.${storage.state}`)}</b> ${storage.message}
      ${recovery && check && html` ${t(`storage.check_${check.state}`)} ${check.found}`}</p>
    ${isAdmin() && recovery && html`<span class="row wrap">
      <button class="btn dense" type="button" disabled=${busy || check?.state === "running"} onClick=${() => act("check-file")}>${t("storage.check")}</button>
      ${check?.state === "whole" && html`<button class="btn dense" type="button" disabled=${busy} onClick=${() => act("go-on")}>${t("storage.go_on")}</button>`}
      <a class="btn dense" href=${href("/settings/backups")}>${t("storage.restore")}</a>
    </span>`}
  </div>`;
}
