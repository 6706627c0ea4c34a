"""The plugins of one running server: found, loaded, mounted, and why any of them stays out."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter
from sqlalchemy.orm import DeclarativeBase
from starlette.types import Receive, Scope, Send

from server.config import SettingsHolder
from server.errors import GridBearError, NotFound
from server.plugin_api import RecordStore
from server.plugin_host.context import HostContext
from server.plugin_host.discover import FoundPlugin, check_dependencies, find_plugins
from server.plugin_host.load import load_models, load_router, unload
from server.plugin_host.mount import ActorFor, PluginMount, SendError

log = logging.getLogger(__name__)


class PluginHost:
    """Call `discover` before the database is migrated, `start` after it, then route `/api/{plugin}` to `__call__`."""

    def __init__(self, roots: Sequence[Path], base: type[DeclarativeBase]) -> None:
        self._roots = tuple(roots)
        self._base = base
        self._models: dict[str, list[str]] = {}
        self._mounts: dict[str, PluginMount] = {}
        self._send_error: SendError | None = None
        self.plugins: list[FoundPlugin] = []
        """Every plugin folder in load order, the broken ones with their error."""

    def discover(self) -> list[type[DeclarativeBase]]:
        """Find the plugins and import their models. Returns the models to migrate; raises nothing of a plugin's."""
        self.plugins = find_plugins(self._roots)
        by_id = {plugin.id: plugin for plugin in self.plugins}
        models: list[type[DeclarativeBase]] = []
        for plugin in self.plugins:
            check_dependencies(plugin, by_id)
            if not plugin.is_good:
                continue
            try:
                own = load_models(plugin.id, plugin.folder, self._base)
            except (Exception, SystemExit) as error:
                _blame(plugin, "models.py", error)
                continue
            self._models[plugin.id] = [str(model.__tablename__) for model in own]
            models += own
        return models

    def forget(self, root: Path) -> None:
        """Unload the plugins below `root`: a later start finds their files as they are then. Serve none afterwards."""
        gone = [plugin.id for plugin in self.plugins if plugin.folder.parent == root]
        self._mounts = {name: mount for name, mount in self._mounts.items() if name not in gone}
        unload(gone, self._base)

    def start(
        self, records: RecordStore, settings: SettingsHolder, *, actor_for: ActorFor, send_error: SendError
    ) -> None:
        """Load the routes of every good plugin and mount them."""
        self._send_error = send_error
        by_id = {plugin.id: plugin for plugin in self.plugins}
        for plugin in self.plugins:
            check_dependencies(plugin, by_id)
            if not plugin.is_good or plugin.manifest is None:
                continue
            router = self._router(plugin)
            if router is None:
                continue
            try:
                context = HostContext(plugin.id, records, self._models.get(plugin.id, ()), settings)
                self._mounts[plugin.id] = PluginMount(
                    context,
                    router,
                    public=plugin.manifest.public_api,
                    settings=settings,
                    actor_for=actor_for,
                    send_error=send_error,
                )
            except Exception as error:
                _blame(plugin, "api/routes.py", error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `/api/{plugin}/...` (base path already stripped); an unknown plugin is a 404. After `start` only."""
        plugin_id, _, rest = str(scope["path"]).removeprefix("/api/").partition("/")
        mount = self._mounts.get(plugin_id)
        if mount is None:
            assert self._send_error is not None, "PluginHost.start comes before the first request"
            await self._send_error(NotFound(f"there is no /api/{plugin_id}"), scope, receive, send)
            return
        # A plugin's router sees its own part of the path alone, whatever prefix the server runs under.
        await mount({**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode(), "root_path": ""}, receive, send)

    def is_public(self, plugin_id: str) -> bool:
        """Whether anonymous callers reach `/api/{plugin_id}`."""
        return plugin_id in self._mounts and any(
            plugin.id == plugin_id and plugin.manifest is not None and plugin.manifest.public_api
            for plugin in self.plugins
        )

    def _router(self, plugin: FoundPlugin) -> APIRouter | None:
        try:
            return load_router(plugin.id, plugin.folder)
        except (Exception, SystemExit) as error:
            _blame(plugin, "api/routes.py", error)
            return None


def _blame(plugin: FoundPlugin, file: str, error: BaseException) -> None:
    if isinstance(error, GridBearError):
        plugin.fail(error.message)
        return
    text = "".join(traceback.format_exception(error))
    plugin.fail(f"{plugin.id}/{file} raised {type(error).__name__}: {error}", text)
    log.error("%s", text)
