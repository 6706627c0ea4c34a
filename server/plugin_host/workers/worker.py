"""One worker process as the server sees it: given one task at a time, ended when that goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.errors import GridBearError
from server.mcp_gateway.upstreams.child_process import STDERR_LINES, ChildProcess
from server.mcp_gateway.upstreams.process_guardian import Guardian
from server.plugin_host.context import HostContext
from server.plugin_host.live import Failed
from server.plugin_host.workers.frames import TooMuch, error_of, next_frame, packed, told_error
from server.plugin_host.workers.lent import lent
from server.tasks.kinds import TaskFailed
from server.tasks.report import Report
from server.this_computer import program

INSIDE = "work-inside"
_TOLD_LINES = 5


class Worker:
    """Made by `start`. After anything but a result or an error of the plugin's it is `stop`ped, not used again."""

    def __init__(self, process: ChildProcess, context: HostContext, stderr: deque[str]) -> None:
        self._process = process
        self._context = context
        self._stderr = stderr
        self._spent = False
        self._answering: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, context: HostContext, about: Mapping[str, Any], guardian: Guardian) -> Worker:
        """Start a process for a plugin. `about` is what it is told first. Raises TaskFailed when that can't be done."""
        # The plugin's secrets are asked for; ours are none of its business.
        env = {name: value for name, value in os.environ.items() if not name.startswith("GRIDBEAR_")}
        stderr: deque[str] = deque(maxlen=STDERR_LINES)
        command = [*program(), "plugin", INSIDE]
        try:
            process = await ChildProcess.start(command, env=env, cwd=None, stderr=stderr, guardian=guardian)
        except (OSError, ValueError) as error:
            raise TaskFailed(f"A worker process could not be started: {error}") from error
        worker = cls(process, context, stderr)
        await worker._tell(dict(about))
        return worker

    @property
    def can_go_on(self) -> bool:
        """Whether it may be given another task."""
        return self._process.returncode is None and not self._spent

    async def run(self, name: str, actor: Actor, given: Mapping[str, Any], report: Report) -> Any:
        """What the task returns. Raises what it raised, TaskFailed with the reason when the process ended."""
        who = {"kind": actor.kind, "user_id": actor.user_id, "username": actor.username, "role": actor.role,
               "scopes": sorted(actor.scopes)}  # fmt: skip
        try:
            await self._tell({"run": name, "given": dict(given), "actor": who})
            while True:
                told = await next_frame(self._process.stdout)
                if "ask" in told:
                    answering = asyncio.create_task(self._answer(told, actor))
                    self._answering.add(answering)
                    answering.add_done_callback(self._answering.discard)
                elif "progress" in told:
                    report.progress(**told["progress"])
                elif "line" in told:
                    report.log(str(told["line"]))
                elif "logged" in told:
                    self._context.log.log(int(told["level"]), "%s", told["logged"])
                else:
                    return self._outcome(name, told)
        except (EOFError, ConnectionError):
            raise TaskFailed(await self._why_it_ended()) from None
        finally:
            self._pass_on_stderr()

    async def stop(self) -> None:
        """End the process and all that it started."""
        for answering in self._answering:
            answering.cancel()
        await self._process.stop()

    # Parts

    def _outcome(self, name: str, told: dict[str, Any]) -> Any:
        self._spent = bool(told["spent"])
        if "error" in told:
            raise error_of(told["error"])
        if "memory" in told:
            raise TaskFailed("It needed more memory than a task may have (task_process_memory_bytes).", for_good=True)
        if "raised" in told:
            self._context.log.error("the task %s failed:\n%s", name, told["trace"] or told["raised"])
            where = f"{self._context.plugin_id}/tasks.py:{name}"
            cause = Failed(f"{where} raised {told['raised']}", told["trace"])
            raise TaskFailed("Something went wrong; the log has the details.") from cause
        return told["result"]

    async def _answer(self, told: dict[str, Any], actor: Actor) -> None:
        answer: dict[str, Any] = {"answer": told["ask"]}
        try:
            value = await lent(self._context, actor, told["deed"], told["words"], told["named"])
            packed({"value": value})
            answer["value"] = value
        except GridBearError as error:
            answer["error"] = told_error(error)
        except (TooMuch, TypeError, IndexError) as error:
            answer["error"] = {"message": f"{told['deed']}: {error}", "kind": "BadRequest"}
        with contextlib.suppress(ConnectionError):
            await self._tell(answer)

    async def _tell(self, told: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(packed(told))
            await self._process.stdin.drain()

    async def _why_it_ended(self) -> str:
        await self._process.ended_within(1.0)
        code = self._process.returncode
        how = "ended" if code is None else f"ended with exit code {code}"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                how = f"was ended by {signal.Signals(-code).name}"
        said = "\n".join(list(self._stderr)[-_TOLD_LINES:])
        return f"The worker process {how}." + (f" Its last words:\n{said}" if said else "")

    def _pass_on_stderr(self) -> None:
        while self._stderr:
            self._context.log.log(logging.INFO, "%s", self._stderr.popleft())
