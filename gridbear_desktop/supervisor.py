"""Starts the server as a child, watches it and starts it again when it dies; or uses the one that runs already."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from gridbear_desktop import adopted, control, crash_report, runfile
from gridbear_desktop.log_files import SERVER_LOG, last_lines, rotate
from gridbear_desktop.runfile import RunInfo
from server.data_location import followed
from server.this_computer import program

State = Literal["starting", "running", "stopped", "error"]

START_SECONDS = 60.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.1
FIRST_DELAY_SECONDS = 0.3
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A server that ran this long was healthy: its death starts the delays from the beginning."""
EARLY_SECONDS = 10.0
"""A server that dies this soon after its first answer has failed to start."""
SAFE_AFTER = 2
"""So many failed starts one after the other, and the next one is in safe mode."""
GIVE_UP_AFTER = 5
"""So many, and there is no next one until a person wants it."""
LINES_TOLD = 3
EXIT_CANNOT_START = 2

log = logging.getLogger(__name__)


def quiet_child() -> dict[str, Any]:
    """Popen arguments that keep Windows from opening a console for a child."""
    return {"creationflags": 0x08000000} if os.name == "nt" else {}


class Supervisor:
    """One server child at a time. `on_change` is called from the supervising thread at each new state.

    While it `is_guest`, the tray of another login keeps the server, which is used here.

    Closing the child's stdin ends it, here and when this process is killed: no orphan stays.
    """

    def __init__(
        self,
        run: Path,
        logs: Path,
        options: Mapping[str, Any],
        on_change: Callable[[], None] = lambda: None,
        command: Sequence[str] | None = None,
        is_guest: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run = run
        self._logs = logs
        self.state: State = "stopped"
        self._info: RunInfo | None = None
        self.problem = ""
        self.upgrade = ""
        """How far an upgrade of the database is that the starting server is busy with."""
        self.last_lines: list[str] = []
        """The end of the log, while a person is waited for."""
        self._options = options
        self._on_change = on_change
        self._is_guest = is_guest
        self._command = list(command) if command is not None else program()
        self._child: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._restart_asked = threading.Event()
        self.adopted = False
        """Whether somebody else started the server: a service, or a person on a terminal."""
        self.gave_up = False
        """Whether a person is waited for: the server is not tried again by itself."""
        self._failed_starts = 0
        self._delay = FIRST_DELAY_SECONDS
        self._safe_wanted = bool(options.get("safe_mode"))
        self._running_since = float("inf")
        self._thread: threading.Thread | None = None

    @property
    def run_folder(self) -> Path:
        """The server may move its data folder while it runs; where it was, a note leads on."""
        return followed(self._run.parent) / self._run.name

    @property
    def log_path(self) -> Path:
        return followed(self._logs.parent) / self._logs.name / SERVER_LOG

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
        while not (self.state == "running" or self.gave_up) and time.monotonic() < deadline:
            if self._ending.wait(POLL_SECONDS):
                break
            if self.upgrade:
                deadline = time.monotonic() + seconds
        return self.state

    def _supervise(self) -> None:
        try:
            while not self._ending.is_set():
                wanted = self._restart_asked.is_set()
                self._restart_asked.clear()
                other = self._other()
                if other is not None or (self._is_guest() and not wanted):
                    self._use(other)
                    continue
                code = self._run_once()
                if code is None:
                    self._start_afresh()
                    continue
                self.problem = self._why(code)
                lived = time.monotonic() - self._running_since
                self._failed_starts = self._failed_starts + 1 if lived < EARLY_SECONDS else 0
                if code == EXIT_CANNOT_START:
                    # The same settings would fail again.
                    log.error("the server can't start: %s", self.problem)
                    self._wait_for_person("error")
                elif self._failed_starts >= GIVE_UP_AFTER:
                    log.error("the server failed %s times, the last time: %s", self._failed_starts, self.problem)
                    self._wait_for_person("stopped")
                else:
                    self._enter("error")
                    if lived > STEADY_SECONDS:
                        self._delay = FIRST_DELAY_SECONDS
                    log.warning("the server ended with %s; starting it again in %.1f s", code, self._delay)
                    self._ending.wait(self._delay)
                    self._delay = min(self._delay * 2, LONGEST_DELAY_SECONDS)
        finally:
            self._enter("stopped")

    def _other(self) -> RunInfo | None:
        """The server that somebody else started on this data folder."""
        deadline = time.monotonic() + adopted.ORPHAN_SECONDS
        while not self._is_guest() and adopted.is_orphan(self.run_folder) and time.monotonic() < deadline:
            if self._ending.wait(POLL_SECONDS):
                break
        return adopted.found(self.run_folder, of_tray=self._is_guest())

    def _use(self, info: RunInfo | None) -> None:
        """Show and watch a server that is not ours, until it is gone for good; then a person decides."""
        log.info("a server that was started elsewhere is used")
        self.adopted, self.problem, self._info = True, "", info
        self._enter("starting" if info is None else "running")
        seen = time.monotonic()
        while not self._ending.wait(adopted.LOOK_SECONDS):
            now = adopted.found(self.run_folder, of_tray=self._is_guest(), known=info)
            if now is not None:
                seen = time.monotonic()
                if now != info or self.state != "running":
                    info = self._info = now
                    self._enter("running")
            elif time.monotonic() - seen > adopted.GONE_SECONDS:
                break
            elif self.state == "running":
                self._enter("starting")
        self.adopted = False
        if not self._ending.is_set():
            log.warning("the server that ran already has ended")
            self.problem = "the server that ran on its own has ended"
            self._wait_for_person("stopped")

    def _wait_for_person(self, state: State) -> None:
        self.last_lines = last_lines(self.log_path, LINES_TOLD)
        self.gave_up = True
        self._enter(state)
        next_look = 0.0
        while not self._ending.is_set() and not self._restart_asked.wait(POLL_SECONDS):
            if time.monotonic() < next_look:
                continue
            if adopted.found(self.run_folder, of_tray=self._is_guest()) is not None:
                break
            next_look = time.monotonic() + adopted.LOOK_SECONDS
        self.gave_up = False
        self.last_lines = []
        self._start_afresh()

    def _start_afresh(self) -> None:
        """A person wanted this start: it is one with everything."""
        self._failed_starts = 0
        self._safe_wanted = False
        self._delay = FIRST_DELAY_SECONDS

    def _why(self, code: int) -> str:
        """What is known of the end of the server, in one line."""
        child = self._child
        reported = crash_report.what_failed(self.log_path.parent, child.pid) if child is not None else ""
        if reported:
            return reported
        if code < 0:
            return f"the server was ended by signal {-code}"
        said = "".join(last_lines(self.log_path, 1)).removeprefix("gridbear: ")
        return said or f"the server ended with exit code {code}"

    def _run_once(self) -> int | None:
        """One life of the server. Returns its exit code, None when we ended it."""
        self._running_since = float("inf")
        self._enter("starting")
        safe = self._safe_wanted or self._failed_starts >= SAFE_AFTER
        if safe:
            log.warning("the server starts in safe mode: %s", self.problem)
        with self._output() as output:
            try:
                self._child = subprocess.Popen(
                    [*self._command, "serve", "--watch-stdin", *self._arguments(safe)],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, "GRIDBEAR_SAFE_MODE_REASON": self.problem} if safe else None,
                    **quiet_child(),
                )
            except OSError as error:
                # The program was moved or removed, or the system has no room for it.
                self._child = None
                output.write(f"gridbear: {self._command[0]} can't be started: {error.strerror or error}\n".encode())
                return EXIT_CANNOT_START
        deadline = time.monotonic() + START_SECONDS
        while not self._ending.is_set() and not self._restart_asked.is_set():
            code = self._child.poll()
            if code is not None:
                self._let_go()
                return code
            if self.state == "starting":
                info = runfile.read(self.run_folder)
                if info is not None and info.pid == self._child.pid and control.answers(info):
                    self._info, self.problem = info, ""
                    self._running_since = time.monotonic()
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

    def _output(self) -> BinaryIO:
        """Where the server writes: its log, or nowhere when that can't be written. Neither keeps it from starting."""
        try:
            rotate(self.log_path)
        except OSError as error:
            # As on Windows while somebody reads it: it grows until it can be moved.
            log.warning("the log of the server is not begun anew: %s", error)
        try:
            return self.log_path.open("ab")
        except OSError as error:
            log.warning("what the server says is not kept: %s", error)
            return open(os.devnull, "wb")

    def _is_upgrading(self, pid: int) -> bool:
        text = runfile.upgrading(self.run_folder, pid)
        if text != self.upgrade:
            self.upgrade = text
            self._on_change()
        return bool(text)

    def _let_go(self) -> None:
        """Close the child's stdin, which ends it if it still runs."""
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def _end_child(self) -> None:
        child = self._child
        self._let_go()
        if child is None:
            return
        for harder in (child.terminate, child.kill):
            try:
                child.wait(STOP_SECONDS)
                return
            except subprocess.TimeoutExpired:
                harder()
        child.wait()

    def _arguments(self, safe: bool) -> list[str]:
        names = {"data_dir": "--data-dir", "host": "--host", "port": "--port"}
        given = [
            part
            for name, option in names.items()
            if self._options.get(name) is not None
            for part in (option, str(self._options[name]))
        ]
        return [*given, "--safe"] if safe else given

    def _enter(self, state: State) -> None:
        self.state = state
        self.upgrade = ""
        if state != "running":
            self._info = None
        self._on_change()
