// What stands above every page in safe mode: what is left out, what failed, and the way back.
import { api } from "../api.js";
import { t } from "../i18n.js";
import { isAdmin, server } from "../store.js";
import { html, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { say } from "./toasts.js";
import { sentence } from "./trouble.js";

/** @param {{reload: () => Promise<void>}} props reads the server's state anew */
export function SafeBanner({ reload }) {
  const safe = server.value?.safe_mode;
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      await api.post("/api/v1/server/leave-safe-mode");
      say(t("safe.leaving"));
    } catch (error) {
      say(sentence(error), "bad");
    }
    await reload();
    setBusy(false);
  };
  return html`<div class="banner" role="status">
    <${Icon} name="alert" size=${16} />
    <p class="grow"><b>${t("safe.on")}</b> ${t("safe.left_out")}
      ${safe?.reason && html` ${t("safe.reason")} <span class="mono">${safe.reason}</span>`}</p>
    ${isAdmin() && html`<button class="btn dense" type="button" disabled=${busy} onClick=${leave}>${t("safe.leave")}</button>`}
  </div>`;
}
