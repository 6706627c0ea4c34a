"""What a busy window costs who asks the server beside it: latencies without a window and with one, in turn."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import statistics
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from gridbear_desktop.window_child import WindowChild
from tests.bench import load, servers
from tests.bench.table import Table

ROUNDS = 5
SECONDS = 3.0
GOAL = 1.10
BUSY = b"""<!doctype html><title>Busy</title><body><h1>Busy</h1><ol></ol><script>
const list = document.querySelector("ol");
function draw() {
  list.replaceChildren(...Array.from({ length: 300 }, (_, n) => {
    const row = document.createElement("li");
    row.textContent = `${n} ${Math.random()}`;
    return row;
  }));
  requestAnimationFrame(draw);
}
draw();
</script>"""
"""Draws a list of 300 rows anew in every frame, which is more than any page of ours does."""


class _Busy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(BUSY)))
        self.end_headers()
        self.wfile.write(BUSY)

    def log_message(self, format: str, *_given: object) -> None:
        return


@contextlib.contextmanager
def screen() -> Iterator[None]:
    """A display of its own, named in the environment that windows are started in."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    before = os.environ.get("DISPLAY")
    try:
        with os.fdopen(reading) as told:
            os.environ["DISPLAY"] = f":{told.readline().strip()}"
        yield
    finally:
        os.environ.pop("DISPLAY", None)
        if before is not None:
            os.environ["DISPLAY"] = before
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def _busy_window(folder: Path, url: str) -> Iterator[None]:
    child = WindowChild(folder, lambda: None)
    try:
        child.open(url)
        if not child.painted.wait(30):
            raise RuntimeError(f"the window shows nothing: {child.trouble() or 'no paint within 30 s'}")
        yield
    finally:
        child.end()


def section(folder: Path) -> str:
    """The table; a sentence where there is no display to be had."""
    if shutil.which("Xvfb") is None:
        return "Xvfb is not installed: not measured.\n"
    alone: list[float] = []
    beside: list[float] = []
    ratios: list[float] = []
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Busy)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{pages.server_address[1]}/"
    served = servers.gridbear(folder / "gridbear")
    measured = functools.partial(load.run, served.port, served.pages(), 1, SECONDS)
    try:
        with screen():
            for _ in range(ROUNDS):
                alone.append(measured().percentile(50))
                with _busy_window(folder / "gridbear", url):
                    beside.append(measured().percentile(50))
                ratios.append(beside[-1] / alone[-1])
    finally:
        served.stop()
        pages.shutdown()
        pages.server_close()
    rows = [
        ["no window", f"{statistics.median(alone) * 1000:.2f} ms", "", ""],
        [
            "a window that draws all the time",
            f"{statistics.median(beside) * 1000:.2f} ms",
            f"{statistics.median(ratios):.2f}×",
            f"≤ {GOAL:.2f}×",
        ],
    ]
    return Table(
        [f"list of 30 with total, one client, median of {ROUNDS} rounds", "median", "ratio", "goal"], rows
    ).markdown()
