// Starts Swagger UI from a file of its own, because the content security policy allows no inline script.
(function () {
  const root = document.documentElement;
  const base = root.dataset.base || "";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => root.classList.toggle("dark-mode", (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark");
  system.addEventListener("change", draw);
  draw();
  /** @type {any} */ (window).SwaggerUIBundle({
    url: `${base}/api/openapi.json`,
    dom_id: "#docs",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    validatorUrl: null,
    withCredentials: true,
  });
})();
