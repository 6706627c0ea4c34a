"""The plugins of one running server: found, switched on and off, and why any of them stays out. Nothing restarts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from server.access.actor import Actor
from server.access.demands import demand_admin
from server.config import SettingsHolder
from server.errors import Conflict, NotFound
from server.models.base import Base
from server.plugin_host.admission import check_switch_on
from server.plugin_host.consent import asked
from server.plugin_host.content_hash import content_hash
from server.plugin_host.discover import FoundPlugin, find_plugins
from server.plugin_host.libraries.libraries import Libraries
from server.plugin_host.live import Contribution, Failed, LivePlugin, failure_of
from server.plugin_host.load import unload
from server.plugin_host.needs import dependants, fills
from server.plugin_host.plugin_rows import PluginRows
from server.plugin_host.running import RunningPlugins
from server.plugin_host.secrets import forget_secrets
from server.records.service import Records
from server.safe_mode import refuse_in_safe_mode

log = logging.getLogger(__name__)

FAILURES_TO_SWITCH_OFF = 25
"""So many failures of a running plugin within ten minutes, and it is switched off by itself."""


class PluginHost:
    """`open` puts the models of plugins that are on in force, `serve` everything else that they bring."""

    def __init__(
        self,
        bundled: Path,
        own: Path,
        records: Records,
        settings: SettingsHolder,
        backups: Path,
        libraries: Libraries,
    ) -> None:
        self._bundled = bundled
        self._own = own
        self._records = records
        self._settings = settings
        self._libraries = libraries
        self._rows = PluginRows(records)
        self._running = RunningPlugins(records, settings, self._rows, libraries, backups, self._held_up)
        self._found: dict[str, FoundPlugin] = {}
        self._tried: set[str] = set()
        """Those whose start was tried since their folder came: none is tried again by itself."""
        self._giving_up: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()

    @property
    def found(self) -> list[FoundPlugin]:
        """Every plugin folder in load order, the broken ones with their error."""
        return list(self._found.values())

    @property
    def live(self) -> list[LivePlugin]:
        """The plugins that run, in the order in which they started."""
        return self._running.live

    def named(self, plugin_id: str) -> FoundPlugin:
        """The folder of a plugin. Raises NotFound."""
        plugin = self._found.get(plugin_id)
        if plugin is None:
            raise NotFound(f"There is no plugin folder {plugin_id!r}.", code="unknown_plugin")
        return plugin

    def row_now(self, plugin_id: str) -> dict[str, Any] | None:
        """The stored row of a plugin; None where there never was one."""
        return self._rows.row_now(plugin_id)

    def is_bundled(self, plugin_id: str) -> bool:
        """Whether it came with the program."""
        return plugin_id in self._found and self._found[plugin_id].folder.parent == self._bundled

    def check_known(self, plugin_id: str) -> None:
        """Raise NotFound for a plugin that never was there."""
        if self._rows.row_now(plugin_id) is None:
            self.named(plugin_id)

    async def told_of(self, plugin_id: str) -> dict[str, Any]:
        """What a plugin says of itself and asks for, and what is wrong with it. Raises NotFound."""
        plugin = self.named(plugin_id)
        return {
            "name": plugin_id,
            # Its manifest's, or what its code raised last.
            "error": plugin.error or self._rows.error_of(plugin_id),
            "warnings": list(plugin.warnings),
            "manifest": None if plugin.manifest is None else plugin.manifest.model_dump(mode="json"),
            "permissions": [] if plugin.manifest is None else asked(plugin_id, plugin.manifest),
            "libraries": self._libraries.of(plugin_id),
            "content_hash": await asyncio.to_thread(content_hash, plugin.folder),
        }

    # Life of the server

    async def open(self) -> None:
        """Find the plugins and put the models of those that are on in force. Raises nothing of a plugin's."""
        async with self._lock:
            await self._look()
            for plugin in self.found:
                if self._rows.is_enabled(plugin.id):
                    await self._start(plugin)

    async def serve(self, contributions: Sequence[Contribution]) -> None:
        """Take in what the running plugins bring beside models, and from now on of every one that is switched on."""
        async with self._lock:
            await self._running.serve(contributions, self.named)

    async def stop_serving(self) -> None:
        """End everything that `serve` began."""
        async with self._lock:
            await self._running.stop_serving()

    async def close(self) -> None:
        """Forget all plugins' code."""
        await self.stop_serving()
        await asyncio.gather(*self._giving_up)
        await self._running.close()
        unload(list(self._found), Base)
        self._found.clear()

    async def rescan(self) -> None:
        """Look at the folders again: what is new and switched on starts, what is gone stops.

        One that failed is not tried again, unless it waited for one that came.
        """
        async with self._lock:
            await self._look()
            for plugin_id in [plugin_id for plugin_id in self._running if plugin_id not in self._found]:
                await self._running.end_with_dependants(plugin_id)
            await self._start_waiting(set())

    # What a person does

    async def enable(self, actor: Actor, plugin_id: str, permissions: Sequence[str]) -> dict[str, Any]:
        """Switch a plugin on. `permissions` must be those that its manifest asks for.

        Raises Conflict (`permissions_to_confirm`, `plugin_conflict`, `plugin_broken`) and says what to do.
        """
        _admins_only(actor)
        refuse_in_safe_mode(self._settings.current, "No plugin runs")
        async with self._lock:
            await self._look()
            plugin = self.named(plugin_id)
            if plugin_id not in self._running:
                check_switch_on(plugin, permissions, self.live)
                await self._start(plugin, enable=True)
                await self._start_waiting({plugin_id})
                await self._records.note("plugin_enabled", actor, about=plugin_id)
            return await self._rows.row(plugin_id)

    async def disable(self, actor: Actor, plugin_id: str) -> dict[str, Any]:
        """Switch a plugin off; its records stay. Raises Conflict when others need it."""
        _admins_only(actor)
        async with self._lock:
            self._check_not_needed(plugin_id)
            was_on = self._rows.is_enabled(plugin_id)
            await self._rows.switch_off(plugin_id, await self._running.end(plugin_id))
            if was_on:
                await self._records.note("plugin_disabled", actor, about=plugin_id)
            return await self._rows.row(plugin_id)

    async def reload(self, actor: Actor, plugin_id: str) -> dict[str, Any]:
        """Start a plugin that is on again, from its files as they are now. Those that need it start again too."""
        _admins_only(actor)
        refuse_in_safe_mode(self._settings.current, "No plugin runs")
        async with self._lock:
            if not self._rows.is_enabled(plugin_id):
                await self._rows.row(plugin_id)  # NotFound without one
                raise Conflict(f"The plugin {plugin_id} is off; enable it.", code="plugin_off")
            await self._with_other_files(plugin_id, lambda: None)
            await self._records.note("plugin_reloaded", actor, about=plugin_id)
            return await self._rows.row(plugin_id)

    async def with_other_files(self, plugin_id: str, change: Callable[[], None]) -> dict[str, Any]:
        """End a plugin, run `change`, which blocks, on its folder, and start what was on again. Returns its row."""
        async with self._lock:
            await self._with_other_files(plugin_id, change)
            return await self._rows.row(plugin_id)

    async def remove(self, plugin_id: str, take: Callable[[], None], *, drop_data: bool) -> list[str]:
        """Switch a plugin off, run `take`, which removes its folder, and drop its data if asked.

        Returns the names of the tables that were dropped. Raises Conflict as `disable` does.
        """
        async with self._lock:
            self._check_not_needed(plugin_id)
            await self._running.end(plugin_id)
            if drop_data:
                await self._running.tables.take_left(plugin_id)
            await self._rows.switch_off(plugin_id)
            await asyncio.to_thread(take)
            await self._look()
            row = self._rows.row_now(plugin_id)
            if not drop_data or row is None:
                return []
            dropped = await self._running.tables.drop(plugin_id, row["models"])
            await forget_secrets(self._records, plugin_id)
            await self._rows.forget(plugin_id)
            return dropped

    async def note(self, kind: str, actor: Actor, plugin_id: str, detail: str | None) -> None:
        """Tell the audit log."""
        await self._records.note(kind, actor, about=plugin_id, detail=detail)

    async def failed(self, plugin_id: str, what: str, error: BaseException, *, counts: bool = True) -> None:
        """Keep what a running plugin raised for the page; too much of it that `counts` ends the plugin."""
        live = self._running.get(plugin_id)
        if live is None:
            return
        failure = failure_of(plugin_id, what, error)
        count = await self._running.failures.add(plugin_id, failure, counts=counts)
        if count >= FAILURES_TO_SWITCH_OFF:
            # A task of its own: the caller may be a part of the plugin that ends with it.
            giving_up = asyncio.create_task(self._give_up(live, count, failure), name=f"end of {plugin_id}")
            self._giving_up.add(giving_up)
            giving_up.add_done_callback(self._giving_up.discard)
            await asyncio.shield(giving_up)

    # Parts

    async def _with_other_files(self, plugin_id: str, change: Callable[[], None]) -> None:
        again = [plugin_id, *dependants(self.live, plugin_id)]
        left = {name: await self._running.end(name, forced=True) for name in reversed(again)}
        failure: Exception | None = None
        try:
            await asyncio.to_thread(change)
        except Exception as error:
            # A full disk, say: what ran goes on, from the files that are there.
            failure = error
        await self._look()
        for name in again:
            if name in self._found and self._rows.is_enabled(name):
                await self._start(self._found[name])
                if (of_before := left[name]) is not None:
                    await self._rows.failed_again(name, of_before, 1)
        await self._start_waiting(set(again).intersection(self._running))
        if failure is not None:
            raise failure

    def _held_up(self, plugin_id: str, where: str, stack: str) -> None:
        failure = Failed(f"{plugin_id}/{where} held up the whole server; await, or work in a thread", stack)
        telling = asyncio.create_task(self.failed(plugin_id, where, failure))
        self._giving_up.add(telling)
        telling.add_done_callback(self._giving_up.discard)

    async def _give_up(self, live: LivePlugin, count: int, failure: Failed) -> None:
        async with self._lock:
            # Failures that came at the same time all end here; the first of them has done it. And what was started
            # again meanwhile, perhaps from other files, has not failed.
            if self._running.get(live.id) is live:
                log.error("plugin %s failed %d times and is switched off", live.id, count)
                await self._running.end_with_dependants(live.id)
                await self._rows.switch_off(live.id, failure)

    async def _look(self) -> None:
        found = await asyncio.to_thread(find_plugins, (self._bundled, self._own))
        for plugin in found:
            if plugin.id in self._running:
                # What runs stays as it was loaded until it is loaded again.
                plugin.error = plugin.traceback = None
        self._found = {plugin.id: plugin for plugin in found}
        self._tried.intersection_update(self._found)
        await self._rows.follow(found, bundled=self._bundled, running=self._running)

    def _check_not_needed(self, plugin_id: str) -> None:
        needed_by = dependants(self.live, plugin_id)
        if needed_by:
            raise Conflict(
                f"{', '.join(needed_by)} needs the plugin {plugin_id}; disable that first.", code="plugin_conflict"
            )

    async def _start_waiting(self, came: set[str]) -> None:
        """Start what is switched on and was never tried, and what stayed out for want of one that `came`."""
        for plugin in self.found:
            if plugin.id in self._running or not self._rows.is_enabled(plugin.id):
                continue
            needs = () if plugin.manifest is None else plugin.manifest.dependencies.required
            waited = any(fills(self._found[other], name) for other in came for name in needs)
            if plugin.id not in self._tried or waited:
                await self._start(plugin)
                if plugin.id in self._running:
                    came.add(plugin.id)

    async def _start(self, plugin: FoundPlugin, *, enable: bool = False) -> None:
        self._tried.add(plugin.id)
        await self._running.start(plugin, enable=enable)


def _admins_only(actor: Actor) -> None:
    demand_admin(actor, "Only admins switch plugins.")
