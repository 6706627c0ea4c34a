// A classic script, so that a chosen theme stands before the first paint.
(function () {
  try {
    const theme = localStorage.getItem("gridbear.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be refused; then the system's choice stands.
  }
})();
