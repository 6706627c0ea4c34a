// A moment: how long ago, and the exact time on hover.
import { formatExact, formatRelative } from "../i18n.js";
import { html, signal, useEffect } from "../vendor/preact.js";

const TICK_MS = 30_000;
const tick = signal(0);
let users = 0;
let timer = 0;

/** @param {{iso: string}} props */
export function Ago({ iso }) {
  useEffect(() => {
    users += 1;
    if (users === 1) timer = window.setInterval(() => (tick.value += 1), TICK_MS);
    return () => {
      users -= 1;
      if (!users) clearInterval(timer);
    };
  }, []);
  void tick.value;
  return html`<time datetime=${iso} title=${formatExact(iso)}>${formatRelative(iso)}</time>`;
}
