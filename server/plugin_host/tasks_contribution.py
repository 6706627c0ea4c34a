"""Background tasks of plugins: every marked function of `tasks.py` is a kind of task, some begin by a schedule."""

from __future__ import annotations

from typing import Any

from server.access.actor import INTERNAL, Actor
from server.config import SettingsHolder
from server.errors import GridBearError
from server.plugin_host.calls import PluginCall
from server.plugin_host.contained import in_thread
from server.plugin_host.live import Failed, LivePlugin, failure_of
from server.plugin_host.load import load_part
from server.plugin_host.mount import WhenItFails
from server.plugin_host.workers.workers import PluginWorkers, at_once
from server.plugin_marks import ScheduleMark, TaskMark, marked
from server.tasks.kinds import Kind
from server.tasks.queue import Tasks
from server.tasks.report import Report
from server.tasks.schedules import Declared, Schedules

FILE = "tasks.py"


class PluginTasks:
    """The contribution."""

    def __init__(
        self, tasks: Tasks, schedules: Schedules, settings: SettingsHolder, when_it_fails: WhenItFails
    ) -> None:
        self._tasks = tasks
        self._settings = settings
        self._schedules = schedules
        self._when_it_fails = when_it_fails

    async def contribute(self, plugin: LivePlugin) -> None:
        """Make the kinds of a plugin known, if it has any, and let it start tasks of them."""
        try:
            module = await in_thread(f"{plugin.id}/{FILE}", lambda: load_part(plugin.id, plugin.folder, "tasks"))
            if module is None:
                return
            plugin.need("tasks", FILE)
            kinds, declared = [], []
            workers = PluginWorkers(plugin, self._settings)
            plugin.stack.push_async_callback(workers.close)
            for function, mark in marked(module, [TaskMark, ScheduleMark]):
                kinds.append(_kind(PluginCall(plugin, FILE, function), plugin.id, mark, workers, self._when_it_fails))
                if isinstance(mark, ScheduleMark):
                    shown = f"{plugin.manifest.display_name or plugin.id}: {mark.title}"
                    timing = (mark.cron, mark.every_seconds, mark.time_zone, mark.missed)
                    declared.append(Declared(mark.name, shown, *timing))
            await self._schedules.declare(plugin.id, declared)
        except Exception as error:
            raise failure_of(plugin.id, FILE, error) from error
        for kind in kinds:
            self._tasks.register(kind)
            plugin.stack.push_async_callback(self._tasks.unregister, kind.name)
        plugin.context.tasks_by(self._tasks)
        plugin.stack.callback(plugin.context.tasks_by, None)


def _kind(
    call: PluginCall,
    plugin_id: str,
    mark: TaskMark | ScheduleMark,
    workers: PluginWorkers,
    when_it_fails: WhenItFails,
) -> Kind:
    async def run(actor: Actor, given: dict[str, Any], report: Report) -> Any:
        # A task is tried again or given up by its own rules, so its failures are shown and don't end the plugin.
        try:
            return await begun(actor, given, report)
        except GridBearError as error:
            if isinstance(error.__cause__, Failed):
                await when_it_fails(plugin_id, call.where, error.__cause__, counts=False)
            raise
        except Exception as error:
            await when_it_fails(plugin_id, call.where, error, counts=False)
            raise

    async def begun(actor: Actor, given: dict[str, Any], report: Report) -> Any:
        # What runs for nobody gets no rights of the program's own.
        acting = INTERNAL if actor.kind == "system" else actor
        if mark.process:
            return await workers.run(mark.name, acting, given, report)
        reports = {name: report for name in call.parameters if call.hints.get(name) is Report}
        return await call({**given, **reports}, actor=acting)

    name = f"{plugin_id}.{mark.name}"
    if isinstance(mark, ScheduleMark):
        return Kind(name, run, at_once=1)
    return Kind(
        name,
        run,
        at_once=at_once() if mark.process else 4,
        idempotent=mark.idempotent,
        attempts=mark.attempts,
        priority=mark.priority,
        for_admins=True,
        schedulable=mark.schedulable,
    )
