// The list of messages: the newest at the end, in sight while one stays there; the arrow keys lead through it.
import { formatBytes, formatExact, formatNumber, formatTime, t } from "../i18n.js";
import { html, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "../widgets/icon.js";

const STEP = 300;
/** So near to the end, the list follows. */
const NEAR = 48;
/** @typedef {import("./tools_message_stream.js").Message} Message */

/** @param {{messages: Message[], chosen: Message|null, open: (sequence: number) => void, follow: boolean}} props `follow`: the newest is kept in sight */
export function MessageRows({ messages, chosen, open, follow }) {
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const [atEnd, setAtEnd] = useState(true);
  const [most, setMost] = useState(STEP);
  const rows = messages.slice(-most);
  const newest = messages.at(-1)?.sequence;
  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });
  useLayoutEffect(() => {
    if (follow && atEnd) toEnd();
  }, [newest, messages.length]);
  // Beside an open message the rows are others in height: the chosen one stays in sight.
  useLayoutEffect(() => {
    if (chosen) box.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const onScroll = () => {
    const it = /** @type {HTMLElement} */ (box.current);
    setAtEnd(it.scrollHeight - it.scrollTop - it.clientHeight < NEAR);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [.../** @type {HTMLElement} */ (box.current).querySelectorAll(".message-row")];
    const from = buttons.indexOf(/** @type {Element} */ (document.activeElement));
    const next = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : step ? from + step : -1;
    if (from < 0 || next < 0 || next >= buttons.length) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (buttons[next]).focus();
  };
  return html`<div class="messages-scroll" ref=${box} onScroll=${onScroll} onKeyDown=${onKey}>
    ${messages.length > rows.length && html`<p class="messages-foot"><button class="btn dense" type="button" onClick=${() => setMost(most + STEP)}>${t("messages.earlier", { n: messages.length - rows.length })}</button></p>`}
    <ul aria-label=${t("messages.list")}>${rows.map((one) => html`<${Row} key=${one.sequence} one=${one} chosen=${chosen === one} mate=${isPair(chosen, one)} open=${open} />`)}</ul>
    ${!atEnd && follow && html`<button class="btn dense messages-newest" type="button" onClick=${toEnd}><${Icon} name="arrow-down" size=${16} />${t("messages.newest")}</button>`}
  </div>`;
}

/** Whether one answers the other. @param {Message|null} chosen @param {Message} one */
function isPair(chosen, one) {
  return chosen !== null && (chosen.answers === one.sequence || one.answers === chosen.sequence);
}

/** @param {{one: Message, chosen: boolean, mate: boolean, open: (sequence: number) => void}} props */
function Row({ one, chosen, mate, open }) {
  const shape = one.failed ? "bad" : one.kind;
  return html`<li><button type="button" class=${`row-link message-row ${shape} ${mate ? "mate" : ""}`} data-sequence=${one.sequence} aria-current=${chosen ? "true" : undefined} onClick=${() => open(one.sequence)}>
    <${Way} direction=${one.direction} />
    <span class="what clip">${one.method || t("messages.unknown")}${one.about && html`${" "}<b>${one.about}</b>`}</span>
    <span class="kind">${t(kindOf(one))}</span>
    <span class="id mono clip">${one.id === null ? "" : `#${one.id}`}</span>
    <span class="ms num">${one.took_ms === null ? "" : milliseconds(one.took_ms)}</span>
    <span class="size num">${sizeOf(one)}</span>
    <time class="when num" datetime=${one.time} title=${formatExact(one.time)}>${exactTime(one.time)}</time>
  </button></li>`;
}

/** An arrow and its words. @param {{direction: Message["direction"]}} props */
export function Way({ direction }) {
  const out = direction === "to_server";
  return html`<span class=${`way ${out ? "out" : "in"}`} title=${t(`messages.${direction}`)}><${Icon} name=${out ? "arrow-up" : "arrow-down"} size=${14} /><span class="vh">${t(`messages.${direction}`)}</span></span>`;
}

/** @param {Message} one */
export function kindOf(one) {
  return one.failed && one.kind === "answer" ? "messages.kind_failed" : `messages.kind_${one.kind}`;
}

/** @param {Message} one */
export function sizeOf(one) {
  return one.size < 1000 ? t("messages.bytes", { n: one.size }) : formatBytes(one.size);
}

/** @param {number} n */
export function milliseconds(n) {
  return t("tools.ms", { n: formatNumber(Number(n.toPrecision(3))) });
}

/** With thousandths of a second: so fast are they. @param {string} iso */
function exactTime(iso) {
  const moment = new Date(iso);
  return `${formatTime(moment.getTime(), "second")}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
}
