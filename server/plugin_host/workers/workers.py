"""The worker processes of one plugin: started with the first task, kept for a while for the next."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.config import SettingsHolder
from server.errors import GridBearError
from server.mcp_gateway.upstreams.process_guardian import Guardian
from server.plugin_host.live import LivePlugin
from server.plugin_host.workers.worker import Worker
from server.tasks.kinds import TaskFailed
from server.tasks.report import Report

IDLE_SECONDS = 30.0


def at_once() -> int:
    """How many tasks of a kind run in processes at the same time: one processor is left to everything else."""
    return max(1, (os.cpu_count() or 2) - 1)


class PluginWorkers:
    """`run` takes a process that waits or starts one; `close` ends all of them."""

    def __init__(self, plugin: LivePlugin, settings: SettingsHolder) -> None:
        self._plugin = plugin
        self._settings = settings
        self._guardian = Guardian()
        self._idle: dict[Worker, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def run(self, name: str, actor: Actor, given: Mapping[str, Any], report: Report) -> Any:
        """What the task `name` returns. Raises what it raises; TaskFailed when its process ends, or takes too long.

        Cancelled, it ends the process with everything that this has started.
        """
        current = self._settings.current
        worker = await self._taken()
        good = False
        try:
            async with asyncio.timeout(current.task_process_seconds):
                result = await worker.run(name, actor, given, report)
            good = True
        except TimeoutError:
            seconds = current.task_process_seconds
            raise TaskFailed(f"It took longer than {seconds:g} s (task_process_seconds) and was ended.") from None
        except GridBearError:
            # The plugin's own word; a process that ended is found dead.
            good = True
            raise
        finally:
            if good and worker.can_go_on:
                timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end, worker)
                self._idle[worker] = timer
            else:
                await asyncio.shield(self._end(worker))
        return result

    async def close(self) -> None:
        """End every process."""
        for worker in list(self._idle):
            self._end(worker)
        if self._ending:
            await asyncio.wait(self._ending)
        await asyncio.to_thread(self._guardian.stop)

    # Parts

    async def _taken(self) -> Worker:
        while self._idle:
            worker, timer = self._idle.popitem()
            timer.cancel()
            if worker.can_go_on:
                return worker
            await self._end(worker)
        context = self._plugin.context
        about = {
            "plugin": self._plugin.id,
            "folder": str(self._plugin.folder),
            "path": sys.path,
            "settings": context.settings,
            "address": context.address,
            "public_url": context.public_url,
            "data_folder": str(context.data_folder),
            "log_level": context.log.getEffectiveLevel() or logging.INFO,
            "memory_bytes": self._settings.current.task_process_memory_bytes,
        }
        return await Worker.start(context, about, self._guardian)

    def _end(self, worker: Worker) -> asyncio.Task[None]:
        timer = self._idle.pop(worker, None)
        if timer is not None:
            timer.cancel()
        ending = asyncio.create_task(worker.stop(), name=f"end of a worker of {self._plugin.id}")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending
