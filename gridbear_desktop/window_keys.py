"""Keys of a browser in a window of our own, where an engine has none: reload and zoom."""

from __future__ import annotations

SCRIPT = """
(() => {
  if (window.gridbearKeys) return;
  window.gridbearKeys = true;
  const root = document.documentElement;
  const kept = "gridbear-zoom";
  const zoom = (wanted) => {
    const value = Math.min(3, Math.max(0.5, Math.round(wanted * 10) / 10));
    root.style.zoom = String(value);
    sessionStorage.setItem(kept, String(value));
  };
  const now = () => Number(sessionStorage.getItem(kept)) || 1;
  if (now() !== 1) zoom(now());
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey) return;
    const held = event.ctrlKey || event.metaKey;
    if (event.key === "F5" || (held && event.key.toLowerCase() === "r")) location.reload();
    else if (held && (event.key === "+" || event.key === "=")) zoom(now() + 0.1);
    else if (held && event.key === "-") zoom(now() - 0.1);
    else if (held && event.key === "0") zoom(1);
    else return;
    event.preventDefault();
  });
})()
"""
"""Run in each loaded page of ours. The zoom holds as long as the window."""
