"""The memory of the whole program on a desktop, with its window closed and open, for each web engine that is here."""

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
    rows = [
        _measured(folder / engine, engine)
        for engine, module in ENGINES.items()
        if importlib.util.find_spec(module) is not None
    ]
    heads = ["PSS", "tray", "server", "window closed", "goal", "window", "window open"]
    return Table(heads, rows).markdown() if rows else "There is no web engine here: not measured.\n"


def _measured(folder: Path, engine: str) -> list[str]:
    data = folder / "data"
    servers.new_folder(data)
    command = [sys.executable, "-m", "gridbear_desktop", "--data-dir", str(data)]
    with screen(), _panel():
        env = {**os.environ, "PYWEBVIEW_GUI": engine, "GDK_BACKEND": "x11", "BROWSER": "true"}
        tray = subprocess.Popen([*command, "--port", "0", "--minimized"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        try:
            log = data / "logs" / "launcher.log"
            _wait((data / "run" / "server.json").exists)
            _wait(lambda: "a panel shows the icon" in log.read_text("utf-8"))
            time.sleep(SETTLE_SECONDS)
            own, server = _pss([psutil.Process(tray.pid)]), _pss(_family(tray, "serve"))
            subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, check=True)
            _wait(lambda: "first paint" in log.read_text("utf-8"))
            time.sleep(SETTLE_SECONDS)
            window = _pss(_family(tray, "window"))
            opened = _pss([psutil.Process(tray.pid), *psutil.Process(tray.pid).children(recursive=True)])
        finally:
            tray.send_signal(signal.SIGINT)
            tray.wait(30)
    figures = (own, server, own + server, window, opened)
    text = [f"{figure:.0f} MB" for figure in figures]
    return [f"window by {engine}", *text[:3], "≤ 160 MB", *text[3:]]


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


def _pss(processes: list[psutil.Process]) -> float:
    """Memory in MB; what several processes share is counted once over all of them."""
    return sum(one.memory_full_info().pss for one in processes) / 1e6
