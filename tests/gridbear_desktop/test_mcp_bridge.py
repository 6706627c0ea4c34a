"""`gridbear mcp` with a real client and a real server."""

from __future__ import annotations

import http.server
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from gridbear_desktop import runfile
from gridbear_desktop.mcp_bridge import Bridge
from gridbear_desktop.mcp_http import header_value, modern_headers, modern_version
from gridbear_desktop.runfile import RunInfo
from server.data_folder import DataFolder

GRIDBEAR = [sys.executable, "-m", "gridbear_desktop"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with an admin and nothing running; what was started on it is ended."""
    data = tmp_path / "data"
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(
        [*GRIDBEAR, "user", "create", "ada", "--admin", "--password-stdin", "--data-dir", str(data)],
        input=b"correct horse battery\n",
        check=True,
        capture_output=True,
    )
    yield data
    end_server(data)


def end_server(data: Path) -> None:
    info = runfile.read(data / "run")
    if info is not None and psutil.pid_exists(info.pid):
        server = psutil.Process(info.pid)
        server.terminate()
        server.wait(20)


def parameters(data: Path, *more: str) -> StdioServerParameters:
    return StdioServerParameters(command=GRIDBEAR[0], args=[*GRIDBEAR[1:], "mcp", "--data-dir", str(data), *more])


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_starts_the_bridge_which_starts_the_server_and_outlives_its_restart(
    folder: Path, mode: str
) -> None:
    async with Client(stdio_client(parameters(folder)), mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "gridbear_help" in names
        first = runfile.read(folder / "run")
        assert first is not None

        end_server(folder)
        result = await client.call_tool("gridbear_help", {})
        assert not result.is_error
        second = runfile.read(folder / "run")
        assert second is not None and second.pid != first.pid


@pytest.mark.slow
def test_wrong_lines_get_json_rpc_errors_and_the_end_of_stdin_ends_the_bridge(folder: Path) -> None:
    lines = b"no json\n[]\n" + json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/list"}).encode() + b"\n"
    done = subprocess.run(
        [*GRIDBEAR, "mcp", "--server", "nobody", "--data-dir", str(folder)],
        input=lines,
        capture_output=True,
        timeout=120,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["error"]["code"] for one in told[:2]] == [-32700, -32600]
    # Whether it was answered before the grace after stdin's end ran out depends on how fast the server started.
    assert all(one["id"] == 7 and one["error"]["data"] == {"status": 404} for one in told[2:])


class _Refuses(http.server.BaseHTTPRequestHandler):
    """A gateway that takes no message, and does not say which one it was."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def test_every_request_gets_its_answer_also_one_that_the_gateway_can_not_read(tmp_path: Path) -> None:
    asked = [{"jsonrpc": "2.0", "id": number, "method": "tools/list"} for number in (6, "six")]
    lines = [b"[" * 100_000, *(json.dumps(one).encode() for one in asked)]
    out = io.BytesIO()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refuses) as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        bridge = Bridge(DataFolder(tmp_path), "/mcp", io.BytesIO(b"\n".join(lines)), out)
        url = f"http://127.0.0.1:{gateway.server_port}"
        bridge._info = RunInfo(1, gateway.server_port, "127.0.0.1", url, "x", "2026-11-29T10:00:00Z", "1")
        bridge.run()
        gateway.shutdown()
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert sorted((str(one["id"]), one["error"]["code"]) for one in told) == [
        ("6", -32700),
        ("None", -32700),
        ("six", -32700),
    ]


def test_the_headers_of_the_newer_protocol_repeat_what_the_message_says() -> None:
    message = {
        "id": 1,
        "method": "tools/call",
        "params": {"name": "grüße", "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}},
    }
    version = modern_version(message)
    assert version == "2026-07-28"
    assert modern_headers(message, version) == {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "=?base64?Z3LDvMOfZQ==?=",
    }
    assert header_value("plain_name") == "plain_name"
    assert modern_version({"method": "tools/list", "params": {"_meta": {}}}) is None
    assert modern_version({"method": "ping"}) is None
