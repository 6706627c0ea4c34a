"""A site that is no GridBear, and a real window on it: what people do there, and what was asked of the site."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from gridbear_process import Gridbear, wait_for
from screens import TITLE, found

from tests.http_site import QuietHandler, served

SAVED = bytes(range(256)) * 100


class Site(ThreadingHTTPServer):
    """`page` at all of its addresses, but for a few."""

    def __init__(self) -> None:
        self.page = ""
        self.leads_to = ""
        """Where `/leave` redirects to."""
        self.asked: list[str] = []
        self.uploads: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Answers(QuietHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(302 if self.path == "/leave" else 200)
        body = b""
        if self.path == "/leave":
            self.send_header("Location", self.server.leads_to)
        elif self.path == "/backup":
            self.send_header("Content-Disposition", 'attachment; filename="bears.zip"')
            self.send_header("Content-Type", "application/zip")
            body = SAVED
        else:
            self.send_header("Content-Type", "text/html; charset=utf-8")
            body = self.server.page.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.uploads.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()


@contextmanager
def serving() -> Iterator[Site]:
    with served(Site()) as server:
        yield server


def has_engine(name: str) -> bool:
    return importlib.util.find_spec("webview") is not None and importlib.util.find_spec(name) is not None


def window_on(site: Site, engine: str, screen: Gridbear, tmp_path: Path) -> str:
    """The id of a window of `engine` on the site, once that is painted. See `opened_pages` for its browser."""
    if not has_engine({"gtk": "gi", "qt": "PySide6"}[engine]):
        pytest.skip(f"the engine of {engine} is not installed")
    (tmp_path / "home" / "Downloads").mkdir(parents=True)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n', "utf-8")
    browser.chmod(0o755)
    screen.env.update(
        HOME=str(tmp_path / "home"), BROWSER=f"{browser} %s", PYWEBVIEW_GUI=engine,
        QTWEBENGINE_CHROMIUM_FLAGS="--disable-gpu",
    )  # fmt: skip
    process = screen.popen(
        screen.command("window", "--orders-from-stdin", "--data-dir", str(screen.data_dir)), stdin=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps({"open": site.url}) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "painted\n"
    return str(wait_for(lambda: found(screen, "--name", TITLE), "the window")[0])


def opened_pages(tmp_path: Path) -> list[str]:
    """What the browser of the window was given so far."""
    opened = tmp_path / "opened"
    return opened.read_text("utf-8").splitlines() if opened.exists() else []
