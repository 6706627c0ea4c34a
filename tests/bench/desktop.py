"""The whole program on a desktop, its window closed and open, by each web engine that is here: memory, and its end."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench import servers
from tests.bench.table import Table
from tests.bench.window import screen

ENGINES = {"qt": "PySide6", "gtk": "gi"}
ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60.0
SETTLE_SECONDS = 8.0
"""After what was waited for, a start still tidies up."""
PANEL = """
import sys
sys.path.insert(0, sys.argv[1])
from status_host import StatusHost
host = StatusHost(sys.argv[2])
host.appear()
while True:
    host.serve(1)
"""
"""It draws nothing: what a panel needs for the icon is its own."""


def section(folder: Path) -> str:
    """The table; a sentence where there is no display to be had."""
    missing = [tool for tool in ("Xvfb", "dbus-daemon") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} is not installed: not measured.\n"
    rows, ends = [], []
    for engine, module in ENGINES.items():
        if importlib.util.find_spec(module) is not None:
            closed, opened = _run(folder / engine, engine, with_window=False), _run(folder / engine, engine, True)
            rows.append([f"window by {engine}", *opened.memory])
            ends.append([f"window by {engine}", f"{closed.quit:.2f} s", "≤ 1 s", f"{opened.quit:.2f} s", "≤ 3 s"])
    if not rows:
        return "There is no web engine here: not measured.\n"
    heads = ["PSS", "tray", "server", "window closed", "goal", "window", "window open"]
    end_heads = ["from Quit to the end of all", "window closed", "goal", "window open", "goal"]
    return f"{Table(heads, rows).markdown()}\n{Table(end_heads, ends).markdown()}"


@dataclass(frozen=True, slots=True)
class _Run:
    quit: float
    """Seconds from the signal to the end of every process."""
    memory: list[str]
    """Figures of the first table; none of a run without a window."""


def _run(folder: Path, engine: str, with_window: bool) -> _Run:
    data = folder / "data"
    if not data.exists():
        servers.new_folder(data)
    log = data / "logs" / "launcher.log"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "gridbear_desktop", "--data-dir", str(data)]
    memory: list[str] = []
    with screen(), _panel():
        env = {**os.environ, "PYWEBVIEW_GUI": engine, "GDK_BACKEND": "x11", "BROWSER": "true"}
        tray = subprocess.Popen([*command, "--port", "0", "--minimized"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        try:
            _wait((data / "run" / "server.json").exists)
            _wait(lambda: "a panel shows the icon" in log.read_text("utf-8"))
            time.sleep(SETTLE_SECONDS)
            if with_window:
                own, server = _pss([psutil.Process(tray.pid)]), _pss(_family(tray, "serve"))
                subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, check=True)
                _wait(lambda: "first paint" in log.read_text("utf-8"))
                time.sleep(SETTLE_SECONDS)
                window = _pss(_family(tray, "window"))
                figures = [f"{figure:.0f} MB" for figure in (own, server, own + server, window, _pss(_all(tray)))]
                memory = [*figures[:3], "≤ 160 MB", *figures[3:]]
            family = _all(tray)
        finally:
            began = time.perf_counter()
            tray.send_signal(signal.SIGINT)
            tray.wait(30)
        psutil.wait_procs(family, 30)
        return _Run(time.perf_counter() - began, memory)


@contextlib.contextmanager
def _panel() -> Iterator[None]:
    """A session bus of its own, named in the environment, and on it a panel that takes icons."""
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    assert bus.stdout is not None
    before = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = address = bus.stdout.readline().strip()
    panel = subprocess.Popen([sys.executable, "-c", PANEL, str(ROOT / "tests" / "gridbear_desktop"), address])
    try:
        yield
    finally:
        os.environ.pop("DBUS_SESSION_BUS_ADDRESS")
        if before is not None:
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = before
        for process in (panel, bus):
            process.terminate()
            process.wait(10)
        bus.stdout.close()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it took more than {WAIT_SECONDS:.0f} s")
        time.sleep(0.1)


def _family(tray: subprocess.Popen[bytes], word: str) -> list[psutil.Process]:
    """The child of the tray with this word on its command line, and its own children."""
    child = next(one for one in psutil.Process(tray.pid).children() if word in one.cmdline())
    return [child, *child.children(recursive=True)]


def _all(tray: subprocess.Popen[bytes]) -> list[psutil.Process]:
    root = psutil.Process(tray.pid)
    return [root, *root.children(recursive=True)]


def _pss(processes: list[psutil.Process]) -> float:
    """Memory in MB; what several processes share is counted once over all of them."""
    pss: int = sum(one.memory_full_info().pss for one in processes)
    return pss / 1e6
