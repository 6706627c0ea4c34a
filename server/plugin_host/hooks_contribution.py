"""Hooks of plugins: what they do at their start and end, and after changes of records."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque

from server.access.actor import SYSTEM
from server.errors import NotFound
from server.events.bus import Bus, RecordChanged
from server.events.hook_path import hook_path, led_by, rounds
from server.plugin_api import RecordEvent
from server.plugin_host.calls import PluginCall
from server.plugin_host.contained import SECONDS, in_thread
from server.plugin_host.live import Failed, LivePlugin, failure_of
from server.plugin_host.load import load_part
from server.plugin_host.mount import WhenItFails
from server.plugin_marks import EventMark, LifeMark, marked
from server.records.service import Records

log = logging.getLogger(__name__)

FILE = "hooks.py"
CALL_SECONDS = 30.0
END_SECONDS = 5.0
MOST_ROUNDS = 10
"""A change that so many hooks led to, one by the other, of whatever plugins, is told to no further hook."""
MOST_WAITING = 1000
"""Changes that wait for one plugin; of more, the oldest are dropped and told in the log."""


class HookLoop(Failed):
    """A hook would be called by its own changes, or those of hooks that it calls, over and over."""

    code = "hook_loop"


class PluginHooks:
    """The contribution."""

    def __init__(self, records: Records, bus: Bus, when_it_fails: WhenItFails) -> None:
        self._records = records
        self._bus = bus
        self._when_it_fails = when_it_fails

    async def contribute(self, plugin: LivePlugin) -> None:
        """Take in the hooks of a plugin, if it has any, and let it start."""
        where = FILE
        try:
            module = await in_thread(f"{plugin.id}/{FILE}", lambda: load_part(plugin.id, plugin.folder, "hooks"))
            if module is None:
                return
            calls = [(PluginCall(plugin, FILE, function), mark) for function, mark in marked(module, [EventMark])]
            self._check(plugin, [mark.model for _, mark in calls])
            life = [(PluginCall(plugin, FILE, function), mark) for function, mark in marked(module, [LifeMark])]
            for call, mark in life:
                if mark.when == "startup":
                    where = call.where
                    await call({}, seconds=SECONDS)
        except Exception as error:
            raise failure_of(plugin.id, where, error) from error
        for call, mark in life:
            if mark.when == "shutdown":
                plugin.stack.push_async_callback(self._end, plugin, call)
        if calls:
            queue = _Queue(plugin, calls, self._records, self._when_it_fails)
            plugin.stack.push_async_callback(queue.stop)
            plugin.stack.callback(self._bus.subscribe(queue.put, {mark.model for _, mark in calls}))

    def _check(self, plugin: LivePlugin, models: list[str]) -> None:
        for model in models:
            if model not in self._records.registry:
                raise Failed(f"{plugin.id}/{FILE}: there is no model {model!r}")
            if model not in plugin.models:
                plugin.need("records:read", FILE)

    async def _end(self, plugin: LivePlugin, call: PluginCall) -> None:
        try:
            await call({}, seconds=END_SECONDS)
        except Exception:
            log.exception("plugin %s: %s failed", plugin.id, call.where)


class _Queue:
    """The changes that one plugin is told of, one after the other: a slow plugin is late and holds up nobody."""

    def __init__(
        self,
        plugin: LivePlugin,
        calls: list[tuple[PluginCall, EventMark]],
        records: Records,
        when_it_fails: WhenItFails,
    ) -> None:
        self._plugin = plugin
        self._calls = calls
        self._records = records
        self._when_it_fails = when_it_fails
        self._waiting: deque[tuple[RecordChanged, tuple[str, ...]]] = deque()
        self._dropped = 0
        self._some = asyncio.Event()
        self._worker = asyncio.create_task(self._work(), name=f"hooks of {plugin.id}")

    def put(self, event: RecordChanged) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append((event, hook_path()))
        self._some.set()

    async def stop(self) -> None:
        self._worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._worker

    async def _work(self) -> None:
        while True:
            await self._some.wait()
            while self._waiting:
                event, path = self._waiting.popleft()
                try:
                    await self._tell(event, path)
                except Exception:
                    # A read that failed, say: it is not the plugin's fault, and the next change may be told.
                    log.exception("plugin %s is not told of %s", self._plugin.id, event)
            if self._dropped:
                log.warning("plugin %s was too slow for %d changes", self._plugin.id, self._dropped)
                self._dropped = 0
            self._some.clear()

    async def _tell(self, event: RecordChanged, path: tuple[str, ...]) -> None:
        row = None
        if event.verb in ("create", "update"):
            try:
                row = await self._records.get(SYSTEM, event.model, event.record_id)
            except NotFound:
                return
        told = RecordEvent(event.model, event.verb, event.record_id, row)
        for call, mark in self._calls:
            if mark.model != event.model or (mark.verbs and event.verb not in mark.verbs):
                continue
            where = f"{self._plugin.id}/{call.where}"
            try:
                if rounds(path) >= MOST_ROUNDS:
                    raise _loop(where, path)
                with led_by((*path, where)):
                    await call(dict.fromkeys(call.parameters, told), seconds=CALL_SECONDS)
            except Exception as error:
                log.exception("plugin %s: %s failed", self._plugin.id, call.where)
                await self._when_it_fails(self._plugin.id, call.where, error)


def _loop(where: str, path: tuple[str, ...]) -> HookLoop:
    others = [name for name in dict.fromkeys(path) if name != where]
    how = f"through {', '.join(others)}" if others else "by what it changes"
    return HookLoop(f"{where} calls itself {how}; after {rounds(path)} rounds it is not called")
