"""Background tasks of plugins: every marked function of `tasks.py` is a kind of task."""

from __future__ import annotations

from typing import Any

from server.access.actor import Actor
from server.plugin_host.calls import PluginCall
from server.plugin_host.contained import in_thread
from server.plugin_host.live import LivePlugin, failure_of
from server.plugin_host.load import load_part
from server.plugin_marks import TaskMark, marked
from server.tasks.kinds import Kind
from server.tasks.queue import Tasks
from server.tasks.report import Report

FILE = "tasks.py"


class PluginTasks:
    """The contribution."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def contribute(self, plugin: LivePlugin) -> None:
        """Make the kinds of a plugin known, if it has any, and let it start tasks of them."""
        try:
            module = await in_thread(f"{plugin.id}/{FILE}", lambda: load_part(plugin.id, plugin.folder, "tasks"))
            if module is None:
                return
            plugin.need("tasks", FILE)
            kinds = [_kind(PluginCall(plugin, FILE, it), plugin.id, mark) for it, mark in marked(module, [TaskMark])]
        except Exception as error:
            raise failure_of(plugin.id, FILE, error) from error
        for kind in kinds:
            self._tasks.register(kind)
            plugin.stack.push_async_callback(self._tasks.unregister, kind.name)
        plugin.context.tasks_by(self._tasks)
        plugin.stack.callback(plugin.context.tasks_by, None)


def _kind(call: PluginCall, plugin_id: str, mark: TaskMark) -> Kind:
    async def run(actor: Actor, given: dict[str, Any], report: Report) -> Any:
        reports = {name: report for name in call.parameters if call.hints.get(name) is Report}
        return await call({**given, **reports}, actor=actor)

    return Kind(f"{plugin_id}.{mark.name}", run, idempotent=mark.idempotent, attempts=mark.attempts)
