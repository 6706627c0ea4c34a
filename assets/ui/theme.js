// A classic script, so that a chosen look stands before the first paint.
(function () {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("gridbear.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    if (localStorage.getItem("gridbear.density") === "compact") root.dataset.density = "compact";
    // As accent.js writes it: the colour that was chosen, its hue, its strength.
    const accent = /^#[0-9a-f]{6} (\d{1,3}) ([01](?:\.\d+)?)$/.exec(localStorage.getItem("gridbear.accent") || "");
    if (accent) {
      root.style.setProperty("--accent-hue", accent[1]);
      root.style.setProperty("--accent-vivid", accent[2]);
    }
  } catch {
    // Storage may be refused; then the system's choice stands.
  }
})();
