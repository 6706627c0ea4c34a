// Starts Swagger UI from a file of its own, because the content security policy allows no inline script.
(function () {
  const base = document.documentElement.dataset.base || "";
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
