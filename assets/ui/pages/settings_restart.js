// What was changed and waits for a restart, and the restart itself: the page waits until the server is back.
import { api, request } from "../api.js";
import { t } from "../i18n.js";
import { lookAgain, server } from "../store.js";
import { html, useEffect, useState } from "../vendor/preact.js";
import { useBusy } from "../widgets/busy.js";
import { Icon } from "../widgets/icon.js";
import { say } from "../widgets/toasts.js";
import { sentence } from "../widgets/trouble.js";

const LOOK_MS = 700;

/** @param {{settings: import("./settings.js").Setting[], reload: () => void}} props */
export function RestartNote({ settings, reload }) {
  const waiting = settings.filter((one) => one.waits);
  const [busy, begin] = useRestart(reload);
  if (!busy && !waiting.length) return null;
  const names = waiting.map((one) => t(`setting.${one.name}`)).join(", ");
  return html`<div class="settings-restart" role="status"><div class="note warn"><${Icon} name="refresh" />
    <p class="grow">${busy ? t("settings.restarting") : html`<b>${t("settings.wait_n", { n: waiting.length })}</b> ${names}`}</p>
    ${!busy && html`<button class="btn dense" type="button" onClick=${begin}>${t("settings.restart_now")}</button>`}
  </div></div>`;
}

/** @param {() => void} done @returns {[boolean, (act?: any) => void]} whether the server is on its way, and what starts it again: `act`, or the restart alone */
export function useRestart(done) {
  const [since, setSince] = useState("");
  useEffect(() => {
    if (!since) return;
    let back = false;
    const timer = setInterval(async () => {
      try {
        const { data } = await request("GET", "/api/v1/server");
        // A slow answer may come after that of a later question.
        if (back || data.started_at === since) return;
        back = true;
        server.value = data;
        setSince("");
        say(t("settings.restarted"));
        lookAgain();
        done();
      } catch {
        // It is away just now; the next look finds it.
      }
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [since]);
  const [, once] = useBusy();
  const begin = (/** @type {any} */ act) => once(async () => {
    try {
      const { data } = await request("GET", "/api/v1/server");
      await (typeof act === "function" ? act() : api.post("/api/v1/server/restart"));
      setSince(data.started_at);
    } catch (problem) {
      say(sentence(problem), "bad");
    }
  });
  return [Boolean(since), begin];
}
