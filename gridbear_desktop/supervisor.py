"""Starts the server as a child, watches it and starts it again when it dies."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from gridbear_desktop import control, runfile
from gridbear_desktop.runfile import RunInfo
from server.this_computer import program

State = Literal["starting", "running", "stopped", "error"]

START_SECONDS = 60.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.1
FIRST_DELAY_SECONDS = 0.3
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A server that ran this long was healthy: its death starts the delays from the beginning."""
EXIT_CANNOT_START = 2
LOG_BYTES = 1_000_000
LOG_FILES = 5

log = logging.getLogger(__name__)


def quiet_child() -> dict[str, Any]:
    """Popen arguments that keep Windows from opening a console for a child."""
    return {"creationflags": 0x08000000} if os.name == "nt" else {}


class Supervisor:
    """One server child at a time. `on_change` is called from the supervising thread at each new state.

    Closing the child's stdin ends it, here and when this process is killed: no orphan stays.
    """

    def __init__(
        self,
        run: Path,
        logs: Path,
        options: Mapping[str, Any],
        on_change: Callable[[], None] = lambda: None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.run_folder = run
        self.log_path = logs / "server.log"
        self.state: State = "stopped"
        self._info: RunInfo | None = None
        self.problem = ""
        self.upgrade = ""
        """How far an upgrade of the database is that the starting server is busy with."""
        self._options = options
        self._on_change = on_change
        self._command = list(command) if command is not None else program()
        self._child: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._restart_asked = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def info(self) -> RunInfo | None:
        """The run file of the running server as it is now: a server that is shared or encrypted changes its address."""
        known = self._info
        if known is None:
            return None
        now = runfile.read(self.run_folder)
        return now if now is not None and now.pid == known.pid else known

    def start(self) -> None:
        """Start the server and watch it until `stop`."""
        self._thread = threading.Thread(target=self._supervise, name="supervisor")
        self._thread.start()

    def restart(self) -> None:
        """End the server and start a new one, also after it could not start."""
        self._restart_asked.set()

    def stop(self) -> None:
        """End the server and the watching; returns when both are over."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def wait_until_settled(self, seconds: float) -> State:
        """Wait until the server runs or can't, an upgrade not counted; returns the state then."""
        deadline = time.monotonic() + seconds
        while self.state in ("starting", "stopped") and time.monotonic() < deadline and not self._ending.is_set():
            self._ending.wait(POLL_SECONDS)
            if self.upgrade:
                deadline = time.monotonic() + seconds
        return self.state

    def _supervise(self) -> None:
        delay = FIRST_DELAY_SECONDS
        try:
            while not self._ending.is_set():
                started = time.monotonic()
                self._restart_asked.clear()
                code = self._run_once()
                if self._ending.is_set() or self._restart_asked.is_set():
                    delay = FIRST_DELAY_SECONDS
                    continue
                self.problem = self._last_line() or f"the server ended with exit code {code}"
                self._enter("error")
                if code == EXIT_CANNOT_START:
                    # The same settings would fail again: wait for a person.
                    log.error("the server can't start: %s", self.problem)
                    self._wait_for_person()
                    continue
                if time.monotonic() - started > STEADY_SECONDS:
                    delay = FIRST_DELAY_SECONDS
                log.warning("the server ended with exit code %s; starting it again in %.1f s", code, delay)
                self._ending.wait(delay)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        finally:
            self._enter("stopped")

    def _wait_for_person(self) -> None:
        while not self._ending.is_set() and not self._restart_asked.wait(POLL_SECONDS):
            pass

    def _run_once(self) -> int | None:
        """One life of the server. Returns its exit code, None when we ended it."""
        self._enter("starting")
        rotate(self.log_path)
        with self.log_path.open("ab") as output:
            self._child = subprocess.Popen(
                [*self._command, "serve", "--watch-stdin", *self._arguments()],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                **quiet_child(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._ending.is_set() and not self._restart_asked.is_set():
            code = self._child.poll()
            if code is not None:
                return code
            if self.state == "starting":
                info = runfile.read(self.run_folder)
                if info is not None and info.pid == self._child.pid and control.answers(info):
                    self._info, self.problem = info, ""
                    self._enter("running")
                elif self._is_upgrading(self._child.pid):
                    # As long as it takes: ended now, it would begin again.
                    deadline = time.monotonic() + START_SECONDS
                elif time.monotonic() > deadline:
                    self._end_child()
                    return self._child.poll()
            self._ending.wait(POLL_SECONDS)
        self._end_child()
        return None

    def _is_upgrading(self, pid: int) -> bool:
        text = runfile.upgrading(self.run_folder, pid)
        if text != self.upgrade:
            self.upgrade = text
            self._on_change()
        return bool(text)

    def _end_child(self) -> None:
        child = self._child
        if child is None or child.poll() is not None:
            return
        assert child.stdin is not None
        with contextlib.suppress(OSError):
            child.stdin.close()
        for harder in (child.terminate, child.kill):
            try:
                child.wait(STOP_SECONDS)
                return
            except subprocess.TimeoutExpired:
                harder()
        child.wait()

    def _arguments(self) -> list[str]:
        names = {"data_dir": "--data-dir", "host": "--host", "port": "--port"}
        return [
            part
            for name, option in names.items()
            if self._options.get(name) is not None
            for part in (option, str(self._options[name]))
        ]

    def _enter(self, state: State) -> None:
        self.state = state
        self.upgrade = ""
        if state != "running":
            self._info = None
        self._on_change()

    def _last_line(self) -> str:
        try:
            lines = self.log_path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return next((line for line in reversed(lines) if line.strip()), "")


def rotate(path: Path) -> None:
    """Keep the log below LOG_BYTES, with a few older ones beside it. Only one process may do this."""
    try:
        if path.stat().st_size < LOG_BYTES:
            return
    except FileNotFoundError:
        return
    for number in range(LOG_FILES - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))
