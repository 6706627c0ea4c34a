// How many requests, or lines of the log, there were when. A stretch is chosen by dragging, or with the arrow keys, Shift and Enter.
import { formatSpan, formatTime } from "../i18n.js";
import { html, useRef, useState } from "../vendor/preact.js";

const WIDE = 720;
const HIGH = 96;

/** @typedef {{at: number, ok: number, refused: number, failed: number}} Bar */

/** @param {{range: import("./activity_range.js").Range, bars: Bar[], zoom: (from: number, to: number) => void, label: string, told: (sums: Record<string, number>) => string}} props `told` says `n`, of which `refused` and `failed` */
export function Histogram({ range, bars, zoom, label, told }) {
  const box = useRef(/** @type {SVGSVGElement|null} */ (null));
  const [span, setSpan] = useState(/** @type {[number, number]|null} */ (null));
  const [dragging, setDragging] = useState(false);
  const most = Math.max(1, ...bars.map((one) => one.ok + one.refused + one.failed));
  const width = WIDE / Math.max(1, bars.length);
  const barAt = (/** @type {any} */ event) => {
    const place = box.current?.getBoundingClientRect();
    return place ? Math.max(0, Math.min(bars.length - 1, Math.floor(((event.clientX - place.left) / place.width) * bars.length))) : 0;
  };
  const chosen = span && /** @type {[number, number]} */ ([Math.min(...span), Math.max(...span)]);
  const finish = () => {
    setDragging(false);
    setSpan(null);
    if (chosen && bars.length > 1) zoom(bars[chosen[0]].at, bars[chosen[1]].at + range.step);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step) {
      event.preventDefault();
      const here = span ? span[1] : step > 0 ? -1 : bars.length;
      const next = Math.max(0, Math.min(bars.length - 1, here + step));
      setSpan(event.shiftKey && span ? [span[0], next] : [next, next]);
    } else if (event.key === "Enter" && span) finish();
    else if (event.key === "Escape") setSpan(null);
  };
  const of = (/** @type {Bar[]} */ some) => {
    const sum = (/** @type {"ok"|"refused"|"failed"} */ level) => some.reduce((all, one) => all + one[level], 0);
    return told({ n: sum("ok") + sum("refused") + sum("failed"), refused: sum("refused"), failed: sum("failed") });
  };
  const shown = chosen ? bars.slice(chosen[0], chosen[1] + 1) : bars;
  const words = shown.length ? `${formatSpan(shown[0].at, shown[shown.length - 1].at + range.step)}: ${of(shown)}` : "";
  return html`<div class="histogram">
    <div class="histogram-box" tabindex="0" role="group" aria-label=${label} onKeyDown=${onKey} onBlur=${() => setSpan(null)}>
      <svg class="chart" ref=${box} viewBox=${`0 0 ${WIDE} ${HIGH + 1}`} preserveAspectRatio="none" role="img" aria-label=${words}
        onPointerDown=${(/** @type {any} */ event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setDragging(true);
          setSpan([barAt(event), barAt(event)]);
        }}
        onPointerMove=${(/** @type {any} */ event) => dragging && span && setSpan([span[0], barAt(event)])}
        onPointerUp=${() => dragging && finish()} onPointerCancel=${() => {
          setDragging(false);
          setSpan(null);
        }}>
        <path class="rule" d=${`M0 .5h${WIDE}M0 ${HIGH / 2}h${WIDE}`} />
        ${chosen && html`<rect class="span" x=${chosen[0] * width} y="0" width=${(chosen[1] - chosen[0] + 1) * width} height=${HIGH} />`}
        ${bars.map((one, n) => html`<${Column} key=${one.at} bar=${one} x=${n * width + width * 0.1} width=${width * 0.8} scale=${(HIGH - 6) / most} dim=${chosen ? n < chosen[0] || n > chosen[1] : false} />`)}
        <path class="base" d=${`M0 ${HIGH + 0.5}h${WIDE}`} />
      </svg>
    </div>
    <div class="chart-scale" aria-hidden="true">${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<span key=${part}>${formatTime(range.from + (range.to - range.from) * part, range.part)}</span>`)}</div>
    <p class="small muted" role="status">${words}</p>
  </div>`;
}

/** @param {{bar: Bar, x: number, width: number, scale: number, dim: boolean, high?: number}} props */
export function Column({ bar, x, width, scale, dim, high = HIGH }) {
  let below = high;
  return [["bar-a", bar.ok], ["bar-w", bar.refused], ["bar-x", bar.failed]].map(([name, count]) => {
    if (!count) return null;
    // A single failure among thousands is what one looks for: it is seen.
    const height = Math.max(2, Number(count) * scale);
    below = Math.max(0, below - height);
    return html`<rect class=${`${name} ${dim ? "dim" : ""}`} key=${name} x=${x} y=${below} width=${width} height=${height} />`;
  });
}
