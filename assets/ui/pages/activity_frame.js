// The drawer beside a list of Activity: its heading, which takes the focus, and what is to be shown until all is there.
import { t } from "../i18n.js";
import { formatJson } from "../json.js";
import { html, useEffect, useRef } from "../vendor/preact.js";
import { CopyButton } from "../widgets/copy.js";
import { Icon } from "../widgets/icon.js";
import { Ago } from "../widgets/time.js";
import { Skeleton, Trouble } from "../widgets/trouble.js";

/**
 * @param {{loaded: {data: any, error: any, slow: boolean, reload: () => void}, title: string, at: string, label: string, trouble: string,
 *   close: () => void, children: any}} props `title` and `at` are of what was loaded, `label` says what it is
 */
export function ActivityDrawer({ loaded: { data, error, slow, reload }, title, at, label, trouble, close, children }) {
  const heading = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    if (data) heading.current?.focus();
  }, [Boolean(data)]);
  const onKey = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close();
  return html`<aside class="drawer" aria-labelledby="activity-drawer-title" onKeyDown=${onKey}>
    <header>
      <div class="say"><h2 id="activity-drawer-title" tabindex="-1" ref=${heading}>${data ? title : label}</h2>
        ${data && html`<p class="mono"><${Ago} iso=${at} /></p>`}</div>
      ${data && html`<${CopyButton} text=${formatJson(data, 2)} label=${t("activity.copy_json")} />`}
      <button class="btn only quiet" type="button" onClick=${close} aria-label=${t("do.close")} title=${t("do.close")}><${Icon} name="close" /></button>
    </header>
    <div class="scroll stack wide" tabindex="0" role="region" aria-label=${label}>
      ${error && !data && html`<${Trouble} error=${error} what=${trouble} retry=${reload} />`}
      ${!data && slow && html`<${Skeleton} rows=${6} />`}
      ${data && children}
    </div>
  </aside>`;
}
