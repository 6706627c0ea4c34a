"""Which part of the program serves which address. Addresses come here with the base path already stripped."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from server.models.registry import RESERVED_MEMBER_WORDS, RESERVED_MODEL_NAMES

V1 = "/api/v1/"
OWN_API_PREFIXES = frozenset(("v1", "internal", "docs", "openapi.json"))

ANONYMOUS_ADDRESSES = (
    "/", "/ui/*", "/auth/login", "/auth/setup", "/auth/link", "/auth/link/look", "/healthz", "/api/docs",
    "/api/openapi.json", "/_desktop/login", "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/{server}", "/oauth/authorize", "/oauth/consent", "/oauth/token",
    "/oauth/register", "/oauth/revoke", "/oauth/callback",
)  # fmt: skip
"""What nobody needs to sign in for, besides plugins with `public_api`. A test counts them and tries the rest."""


class Dispatch:
    """The outermost switch: by the first parts of the path."""

    def __init__(
        self,
        *,
        web: ASGIApp,
        records: ASGIApp,
        plugins: ASGIApp,
        plugin_files: ASGIApp,
        ui: ASGIApp,
        gateway: ASGIApp,
    ) -> None:
        self._web = web
        self._records = records
        self._plugins = plugins
        self._plugin_files = plugin_files
        self._ui = ui
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._target(scope["path"])(scope, receive, send)

    def _target(self, path: str) -> ASGIApp:
        if path.startswith(V1):
            model, _, rest = path[len(V1) :].partition("/")
            # `/notes/aggregate`, `/tasks/7/cancel` and the like are actions, not records.
            is_action = "/" in rest or rest in RESERVED_MEMBER_WORDS
            return self._web if model in RESERVED_MODEL_NAMES or not model or is_action else self._records
        if path == "/mcp" or path.startswith("/mcp/"):
            return self._gateway
        if path.startswith("/api/"):
            prefix = path[len("/api/") :].partition("/")[0]
            return self._plugins if prefix and prefix not in OWN_API_PREFIXES else self._web
        if path.startswith("/plugins/"):
            return self._plugin_files
        return self._ui if path.startswith("/ui/") else self._web
