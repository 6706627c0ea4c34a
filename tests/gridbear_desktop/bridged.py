"""The MCP bridge between lines and a site that answers what it was told to."""

from __future__ import annotations

import io
import json
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gridbear_desktop.mcp_bridge import Bridge
from gridbear_desktop.runfile import RunInfo
from server.data_folder import DataFolder
from tests.http_site import QuietHandler, served


class BridgedSite(QuietHandler):
    """Answers each request with the next of `answers`: a status, a type and a body; None breaks the connection off."""

    protocol_version = "HTTP/1.1"
    answers: ClassVar[list[tuple[int, str, bytes] | None]]
    asked: ClassVar[list[tuple[dict[str, str], Any]]]

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        if length > 1 << 20:
            # As our server does: refused before it is read.
            self.reply(413, b'{"error":"The body is larger than the limit."}')
            self.close_connection = True
            return
        body = self.rfile.read(length)
        self.asked.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
        answer = self.answers.pop(0)
        self.close_connection = True
        if answer is not None:
            status, kind, content = answer
            self.reply(status, content, kind)


def relayed(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: bytes,
    answers: list[tuple[int, str, bytes] | None],
    kind: type[BridgedSite] = BridgedSite,
) -> tuple[list[Any], list[tuple[dict[str, str], Any]]]:
    """What the client is told, and what the gateway was asked."""
    handler = type("Handler", (kind,), {"answers": answers, "asked": []})
    out = io.BytesIO()
    monkeypatch.setattr("gridbear_desktop.mcp_bridge.AGAIN_SECONDS", 0.0)
    with served(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as gateway:
        url = f"http://127.0.0.1:{gateway.server_port}"
        info = RunInfo(1, gateway.server_port, "127.0.0.1", url, "x", "2026-11-29T10:00:00Z", "1")
        monkeypatch.setattr("gridbear_desktop.server_finding.ServerFinder.found", lambda _: info)
        Bridge(DataFolder(folder), "/mcp", io.BytesIO(lines), out).run()
    return [json.loads(line) for line in out.getvalue().splitlines()], handler.asked


JSON, EVENTS = "application/json", "text/event-stream"
