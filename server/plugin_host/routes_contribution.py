"""What a plugin serves at `/api/{plugin}`: its routes, mounted and taken away while the server runs."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from server.config import SettingsHolder
from server.errors import NotFound
from server.plugin_host.contained import in_thread
from server.plugin_host.live import LivePlugin, failure_of
from server.plugin_host.load import load_router
from server.plugin_host.mount import ActorFor, PluginMount, SendError, WhenItFails

FILE = "api/routes.py"


class PluginRoutes:
    """The contribution and, as an ASGI app, what answers under `/api/`."""

    def __init__(
        self, settings: SettingsHolder, *, actor_for: ActorFor, send_error: SendError, when_it_fails: WhenItFails
    ) -> None:
        self._settings = settings
        self._actor_for = actor_for
        self._send_error = send_error
        self._when_it_fails = when_it_fails
        self._mounts: dict[str, PluginMount] = {}

    async def contribute(self, plugin: LivePlugin) -> None:
        """Mount the routes of a plugin, if it has any."""
        try:
            router = await in_thread(f"{plugin.id}/{FILE}", lambda: load_router(plugin.id, plugin.folder))
            if router is None:
                return
            self._mounts[plugin.id] = PluginMount(
                plugin.context,
                router,
                public=plugin.manifest.public_api,
                settings=self._settings,
                actor_for=self._actor_for,
                send_error=self._send_error,
                when_it_fails=self._when_it_fails,
                watchdog=plugin.watchdog,
            )
        except Exception as error:
            raise failure_of(plugin.id, FILE, error) from error
        plugin.stack.callback(self._mounts.pop, plugin.id, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `/api/{plugin}/...` (base path already stripped); an unknown plugin is a 404."""
        plugin_id, _, rest = str(scope["path"]).removeprefix("/api/").partition("/")
        mount = self._mounts.get(plugin_id)
        if mount is None:
            await self._send_error(NotFound(f"there is no /api/{plugin_id}"), scope, receive, send)
            return
        # A plugin's router sees its own part of the path alone, whatever prefix the server runs under.
        await mount({**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode(), "root_path": ""}, receive, send)

    def is_public(self, plugin_id: str) -> bool:
        """Whether anonymous callers reach `/api/{plugin_id}`."""
        mount = self._mounts.get(plugin_id)
        return mount is not None and mount.public
