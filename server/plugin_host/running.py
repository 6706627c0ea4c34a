"""The plugins that are in force: started, ended, and what of them is taken in and given back."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from server.config import SettingsHolder
from server.errors import GridBearError
from server.models.base import Base
from server.plugin_host.admission import check_start
from server.plugin_host.contained import in_thread
from server.plugin_host.content_hash import content_hash
from server.plugin_host.context import HostContext
from server.plugin_host.discover import FoundPlugin
from server.plugin_host.effective_settings import effective, secret_variables
from server.plugin_host.failures import Failures
from server.plugin_host.leftovers import LeftRunning, end_leftovers
from server.plugin_host.libraries.libraries import Libraries
from server.plugin_host.live import Contribution, Failed, LivePlugin, failure_of
from server.plugin_host.load import load_models, unload
from server.plugin_host.needs import dependants, fills
from server.plugin_host.permissions import Permissions
from server.plugin_host.plugin_rows import PluginRows
from server.plugin_host.tables import PluginTables
from server.plugin_host.watchdog import Watchdog
from server.records.service import Records

log = logging.getLogger(__name__)


class RunningPlugins:
    """The plugins in force, in the order in which they started. Only one caller at a time: the host has the lock."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        rows: PluginRows,
        libraries: Libraries,
        backups: Path,
        held_up: Callable[[str, str, str], None],
    ) -> None:
        self.tables = PluginTables(records, backups)
        self.failures = Failures(rows.failed_again, time.monotonic)
        self._records = records
        self._settings = settings
        self._rows = rows
        self._libraries = libraries
        self._contributions: Sequence[Contribution] | None = None
        self._live: dict[str, LivePlugin] = {}
        self._watchdog = Watchdog(lambda: {it.id: it.folder for it in list(self._live.values())}, held_up)

    def __contains__(self, plugin_id: object) -> bool:
        return plugin_id in self._live

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._live))

    def get(self, plugin_id: str) -> LivePlugin | None:
        """The plugin as it runs now; one that is started again is another."""
        return self._live.get(plugin_id)

    @property
    def live(self) -> list[LivePlugin]:
        """The plugins in force."""
        return list(self._live.values())

    async def start(self, plugin: FoundPlugin, *, enable: bool = False) -> None:
        """Put a plugin in force, but in safe mode; what is wrong with it is kept in its row and in `plugin`."""
        if self._settings.current.safe_mode:
            return
        where = "manifest.json"
        live: LivePlugin | None = None
        try:
            check_start(plugin, None if enable else self._rows.row_now(plugin.id), self.live)
            assert plugin.manifest is not None
            await asyncio.to_thread(self._libraries.check, plugin.id, plugin.manifest.requirements)
            self._libraries.put(plugin.id)
            where = "models.py"
            models = await in_thread(f"{plugin.id}/models.py", lambda: load_models(plugin.id, plugin.folder, Base))
            names = tuple(str(model.__tablename__) for model in models)
            await self.tables.put(plugin.id, models, self._rows.tables_of_others(plugin.id))
            await self._rows.brought(plugin.id, names)
            permissions = Permissions(plugin.id, plugin.manifest.permissions)
            context = HostContext(plugin.id, self._records, names, permissions, self._settings, self._is_running)
            config = (self._rows.row_now(plugin.id) or {}).get("config")
            settings = plugin.manifest.settings
            context.configure(effective(plugin.id, settings, config, os.environ), secret_variables(settings))
            live = LivePlugin(plugin.id, plugin.folder, plugin.manifest, context, names, self._watchdog)
            self._live[plugin.id] = live
        except Exception as error:
            failure = failure_of(plugin.id, where, error)
            plugin.fail(failure.message, failure.trace)
            self._libraries.take(plugin.id)
            unload([plugin.id], Base)
            if enable:
                await self._switch_on(plugin)
            await self._rows.failed(plugin.id, failure)
            return
        if enable:
            await self._switch_on(plugin)
        if self._contributions is None or await self._contribute(plugin, live):
            await self._rows.running(plugin.id)

    async def _switch_on(self, plugin: FoundPlugin) -> None:
        # Also one that does not start yet: what was said yes to holds once its libraries are there.
        if plugin.manifest is not None:
            digest = await asyncio.to_thread(content_hash, plugin.folder)
            await self._rows.switch_on(plugin.id, plugin.manifest, digest)

    async def serve(self, contributions: Sequence[Contribution], found: Callable[[str], FoundPlugin]) -> None:
        """Take in what they bring beside models, and from now on of every one that starts."""
        self._contributions = contributions
        for live in self.live:
            # One that an earlier one took down with it is gone.
            if live.id in self._live:
                await self._contribute(found(live.id), live)

    async def stop_serving(self) -> None:
        """End everything that `serve` began."""
        self._contributions = None
        for live in reversed(self.live):
            await _unwound(live)

    async def close(self) -> None:
        """Forget them all, without a look at their rows."""
        await asyncio.to_thread(self._watchdog.close)
        await self.failures.close()
        for plugin_id in self._live:
            self._libraries.take(plugin_id)
        self._live.clear()

    async def end_with_dependants(self, plugin_id: str) -> None:
        """End a plugin whatever needs it: that stays out and says why."""
        for name in reversed(dependants(self.live, plugin_id)):
            await self.end(name, forced=True)
            await self._rows.failed(name, Failed(f"needs the plugin {plugin_id!r}, which is not running"))
        await self.end(plugin_id, forced=True)

    async def end(self, plugin_id: str, *, forced: bool = False) -> LeftRunning | None:
        """End a plugin. Returns what of it goes on all the same."""
        live = self._live.get(plugin_id)
        if live is None:
            return None
        if not forced:
            self.tables.check_free(plugin_id, live.models)
        left = await _unwound(live)
        await self.failures.forget(plugin_id)
        self._libraries.take(plugin_id)
        try:
            await self.tables.take(plugin_id, live.models)
        except GridBearError as error:
            # Somebody's own model refers to it: its records stay reachable, its code is gone.
            log.warning("the models of plugin %s stay in force: %s", plugin_id, error.message)
        self._live.pop(plugin_id)
        unload([plugin_id], Base)
        return left

    def _is_running(self, name: str) -> bool:
        return any(fills(live, name) for live in self.live)

    async def _contribute(self, plugin: FoundPlugin, live: LivePlugin) -> bool:
        try:
            for contribution in self._contributions or ():
                await contribution(live)
        except Exception as error:
            failure = failure_of(live.id, "its files", error)
            plugin.fail(failure.message, failure.trace)
            await self.end_with_dependants(live.id)
            await self._rows.failed(live.id, failure)
            return False
        return True


async def _unwound(live: LivePlugin) -> LeftRunning | None:
    try:
        await live.stack.aclose()
    except Exception:
        log.exception("plugin %s did not end as it should", live.id)
    left = await end_leftovers(live.id, live.folder)
    if left is not None:
        log.warning("plugin %s", left.message)
    return left
