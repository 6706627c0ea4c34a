"""A worker process: imports a plugin's `tasks.py` and does one task after the other until its stdin ends."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import itertools
import logging
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from server.access.actor import Actor
from server.errors import GridBearError
from server.plugin_api import PluginContext
from server.plugin_host.calls import PluginCall
from server.plugin_host.load import load_part
from server.plugin_host.workers.frames import TooMuch, error_of, next_frame_blocking, packed, told_error
from server.plugin_host.workers.remote_context import RemoteContext
from server.plugin_marks import ScheduleMark, TaskMark, marked
from server.tasks.report import Report

TELL_SECONDS = 0.1
"""Progress is told at most this often."""


class _Line:
    """The pipe to the server. Its thread ends the process when the server is gone, whatever the plugin is busy with."""

    def __init__(self, reading: int, writing: int) -> None:
        self.jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reading = os.fdopen(reading, "rb")
        self._writing = os.fdopen(writing, "wb", buffering=0)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked: dict[int, Future[Any]] = {}

    def listen(self) -> None:
        threading.Thread(target=self._read, name="from the server", daemon=True).start()

    def tell(self, told: dict[str, Any]) -> None:
        frame = memoryview(packed(told))
        with self._lock:
            while frame:
                frame = frame[self._writing.write(frame) or 0 :]

    def ask(self, deed: str, words: list[Any], named: dict[str, Any]) -> Future[Any]:
        number, future = next(self._numbers), Future[Any]()
        self._asked[number] = future
        self.tell({"ask": number, "deed": deed, "words": words, "named": named})
        return future

    def _read(self) -> None:
        try:
            while True:
                told = next_frame_blocking(self._reading)
                if "answer" not in told:
                    self.jobs.put(told)
                    continue
                future = self._asked.pop(told["answer"])
                if not future.set_running_or_notify_cancel():
                    continue
                if "error" in told:
                    future.set_exception(error_of(told["error"]))
                else:
                    future.set_result(told["value"])
        finally:
            os._exit(0)


class _Told(Report):
    """What a task tells goes to the server, progress now and then."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._news = threading.Event()
        self._newest: dict[str, Any] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._keep_telling, name="progress", daemon=True).start()

    def progress(self, part: float | None = None, message: str | None = None) -> None:
        given = {"part": part, "message": message}
        with self._lock:
            self._newest |= {name: value for name, value in given.items() if value is not None}
        self._news.set()

    def log(self, text: str) -> None:
        self._line.tell({"line": text})

    def flush(self) -> None:
        # Under the lock to the end: nothing may come after the outcome.
        with self._lock:
            newest, self._newest = self._newest, {}
            if newest:
                self._line.tell({"progress": newest})

    def _keep_telling(self) -> None:
        pause = threading.Event()
        while True:
            self._news.wait()
            self._news.clear()
            self.flush()
            pause.wait(TELL_SECONDS)


class _LogLines(logging.Handler):
    def __init__(self, line: _Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        self._line.tell({"logged": self.format(record), "level": record.levelno})


class _Guest:
    """The plugin as `PluginCall` wants it."""

    def __init__(self, plugin_id: str, context: PluginContext) -> None:
        self.id = plugin_id
        self.context = context

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        yield


def work_inside() -> None:
    """Serve until stdin ends."""
    faulthandler.enable()
    line = _Line(os.dup(0), os.dup(1))
    # Whatever the plugin prints or reads is none of what we say to each other.
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    line.listen()
    told = line.jobs.get()
    _hold_back(told["memory_bytes"])
    sys.path += [part for part in told["path"] if part not in sys.path]
    log = logging.getLogger(f"plugin.{told['plugin']}")
    log.addHandler(_LogLines(line))
    log.setLevel(told["log_level"])
    log.propagate = False
    guest = _Guest(told["plugin"], RemoteContext(told, log, line.ask))
    report = _Told(line)
    calls: dict[str, PluginCall] = {}
    ours = set(threading.enumerate())
    while True:
        job = line.jobs.get()
        try:
            if not calls:
                calls = _calls(guest, Path(told["folder"]))
            outcome = {"result": _done(calls[job["run"]], job, report)}
        except GridBearError as error:
            outcome = {"error": told_error(error)}
        except MemoryError:
            outcome = {"memory": True}
        except BaseException as error:
            # SystemExit and the like are a failure of this task, and no end of the process.
            outcome = {"raised": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        report.flush()
        # A thread that it left behind would go on as a part of the next task.
        spent = not ours.issuperset(threading.enumerate())
        try:
            line.tell({**outcome, "spent": spent})
        except TooMuch as error:
            line.tell({"raised": f"TypeError: what it returned can't be told: {error}", "trace": "", "spent": spent})


def _calls(guest: _Guest, folder: Path) -> dict[str, PluginCall]:
    module = load_part(guest.id, folder, "tasks")
    assert module is not None
    return {
        mark.name: PluginCall(guest, "tasks.py", function)
        for function, mark in marked(module, [TaskMark, ScheduleMark])
    }


def _done(call: PluginCall, job: dict[str, Any], report: Report) -> Any:
    actor = Actor(**{**job["actor"], "scopes": frozenset(job["actor"]["scopes"])})
    reports = {name: report for name in call.parameters if call.hints.get(name) is Report}
    return asyncio.run(call({**job["given"], **reports}, actor=actor))


def _hold_back(memory_bytes: int) -> None:
    """Behind the server in line for the processor, and a limit to its memory where the system knows one (Linux)."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError):
        os.nice(10)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
