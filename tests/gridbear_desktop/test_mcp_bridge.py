"""`gridbear mcp` with a real client and a real server."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import EmptyResult, SubscribeRequest, SubscribeRequestParams

from gridbear_desktop import runfile
from gridbear_desktop.mcp_bridge import Bridge
from gridbear_desktop.mcp_http import header_value, modern_headers, modern_version
from gridbear_desktop.runfile import RunInfo
from server.data_folder import DataFolder
from tests.gridbear_desktop.bridged import EVENTS, JSON, BridgedSite, relayed
from tests.http_site import QuietHandler, served

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
@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_client_hears_of_what_it_subscribed_to_also_after_the_server_started_anew(
    folder: Path, mode: str
) -> None:
    upstream = Path(__file__).parents[1] / "server" / "mcp_gateway" / "relay_upstream.py"
    servers = {"mcpServers": {"alpha": {"command": sys.executable, "args": [str(upstream)]}}}
    subprocess.run(
        [*GRIDBEAR, "import-servers", "-", "--yes", "--data-dir", str(folder)],
        input=json.dumps(servers).encode(),
        check=True,
        capture_output=True,
    )
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def note(message: Any) -> None:
        heard.put_nowait(getattr(message, "method", ""))

    async def until_updated() -> None:
        while await heard.get() != "notifications/resources/updated":
            pass

    async def listen(client: Client) -> None:
        async with client.listen(resource_subscriptions=["note://one"]) as told:
            heard.put_nowait("open")
            async for _ in told:
                heard.put_nowait("notifications/resources/updated")

    async with (
        Client(
            stdio_client(parameters(folder, "--server", "alpha")), mode=mode, cache=None, message_handler=note
        ) as client,
        anyio.create_task_group() as tasks,
    ):
        while not (await client.list_resources()).resources:
            pass
        if mode == "legacy":
            wish = SubscribeRequest(params=SubscribeRequestParams(uri="note://one"))
            await client.session.send_request(wish, EmptyResult)
        else:
            tasks.start_soon(listen, client)
            assert await heard.get() == "open"
        async with asyncio.timeout(100):
            await asyncio.to_thread(end_server, folder)
            await client.list_tools()
            # It may have changed meanwhile.
            await until_updated()
            assert not (await client.call_tool("change", {"text": "more"})).is_error
            await until_updated()
        tasks.cancel_scope.cancel()


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
    assert all(one["id"] == 7 and one["error"]["data"]["code"] == "not_found" for one in told[2:])


class _Refuses(QuietHandler):
    """A gateway that takes no message, and does not say which one it was."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
        self.reply(400, body)


def test_every_request_gets_its_answer_also_one_that_the_gateway_can_not_read(tmp_path: Path) -> None:
    asked = [{"jsonrpc": "2.0", "id": number, "method": "tools/list"} for number in (6, "six")]
    lines = [b"[" * 100_000, *(json.dumps(one).encode() for one in asked)]
    out = io.BytesIO()
    with served(ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)) as gateway:
        bridge = Bridge(DataFolder(tmp_path), "/mcp", io.BytesIO(b"\n".join(lines)), out)
        url = f"http://127.0.0.1:{gateway.server_port}"
        bridge._info = RunInfo(1, gateway.server_port, "127.0.0.1", url, "x", "2026-11-29T10:00:00Z", "1")
        bridge.run()
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


BUSY = (503, JSON, b'{"error":"The server is stopping.","code":"busy"}')
DONE = (200, JSON, b'{"jsonrpc":"2.0","id":1,"result":{"done":true}}')
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}\n'
LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n'
NOTICE = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n'


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        pytest.param(LIST, [None, None, DONE], id="a question whose answer broke off"),
        pytest.param(LIST, [(500, "text/plain", b"Internal Server Error"), DONE], id="a question that an end cut off"),
        pytest.param(LIST, [(200, EVENTS, NOTICE), DONE], id="a question whose stream ended early"),
        pytest.param(CALL, [BUSY, BUSY, DONE], id="a call that was not taken"),
    ],
)
def test_what_was_not_done_or_only_asks_is_sent_again_while_the_server_starts_anew(
    line: bytes, answers: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = len(answers)
    told, asked = relayed(tmp_path, monkeypatch, line, answers)
    assert told[-1] == {"jsonrpc": "2.0", "id": 1, "result": {"done": True}} and len(asked) == wanted
    assert [one for one in told[:-1] if "method" not in one] == []


@pytest.mark.parametrize(
    "answer", [None, (500, "text/plain", b"Internal Server Error"), (200, EVENTS, NOTICE), (200, JSON, b"")]
)
def test_a_call_without_an_answer_is_not_made_again_and_says_so(
    answer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, asked = relayed(tmp_path, monkeypatch, CALL, [answer, DONE])
    assert len(asked) == 1 and [one["id"] for one in told if "method" not in one] == [1]
    assert "may have been done or not" in told[-1]["error"]["message"]


def test_a_server_that_stays_busy_is_told_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = relayed(tmp_path, monkeypatch, CALL, [BUSY] * 9)
    assert [one["error"]["message"] for one in told] == ["The server is stopping."]


def test_what_breaks_after_the_answer_makes_no_second_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Torn(BridgedSite):
        def send_header(self, keyword: str, value: str) -> None:
            super().send_header(keyword, str(int(value) + 9) if keyword == "content-length" else value)

    told, _ = relayed(tmp_path, monkeypatch, CALL, [(200, EVENTS, b"data: " + DONE[2] + b"\n\n")], Torn)
    assert told == [json.loads(DONE[2])]


def test_a_mark_of_byte_order_and_ids_that_are_none_are_taken_as_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, asked = relayed(tmp_path, monkeypatch, b"\xef\xbb\xbf" + LIST.replace(b"\n", b"\r\n"), [DONE])
    assert told == [json.loads(DONE[2])] and asked[0][1]["method"] == "tools/list"
    # The gateway takes it for a notification and answers nothing: who reads lines would wait for ever.
    told, _ = relayed(tmp_path, monkeypatch, LIST.replace(b'"id":1', b'"id":[1]'), [(202, JSON, b"")])
    assert [(one["id"], one["error"]["code"]) for one in told] == [(None, -32600)]


def test_a_line_that_is_too_large_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = CALL.replace(b"pay", b"x" * (20 << 20))
    told, _ = relayed(tmp_path, monkeypatch, line, [])
    assert [(one["id"], one["error"]["message"]) for one in told] == [(1, "The body is larger than the limit.")]


def test_arguments_that_the_newer_protocol_wants_in_headers_are_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}
    arguments = {"where": {"region": "eü"}, "dry": True, "many": 3}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": arguments, **meta}}
    properties = {
        "where": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
        "many": {"type": "integer"},
        "absent": {"type": "string", "x-mcp-header": "Absent"},
        "bad": {"type": "string", "x-mcp-header": "no\r\nheader"},
    }
    first = {"tools": [], "nextCursor": "more"}
    second = {"tools": [{"name": "t", "inputSchema": {"type": "object", "properties": properties}}]}
    mismatch = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"Mcp-Param-Region header is missing"}}'
    lists = [(200, JSON, json.dumps({"jsonrpc": "2.0", "id": "l", "result": one}).encode()) for one in (first, second)]
    told, asked = relayed(
        tmp_path, monkeypatch, json.dumps(call).encode() + b"\n", [(400, JSON, mismatch), *lists, DONE]
    )
    assert [one["result"] for one in told] == [{"done": True}]
    assert [body["method"] for _, body in asked] == ["tools/call", "tools/list", "tools/list", "tools/call"]
    assert asked[2][1]["params"] == {**meta, "cursor": "more"}
    sent = {name: value for name, value in asked[3][0].items() if name.startswith("mcp-param")}
    assert sent == {"mcp-param-region": "=?base64?ZcO8?=", "mcp-param-dry-run": "true"}
    # A mismatch that knowing the tools does not mend is passed on.
    for listed in ((200, JSON, b'{"jsonrpc":"2.0","id":"l","result":{"tools":[]}}'), None):
        told, _ = relayed(tmp_path, monkeypatch, json.dumps(call).encode(), [(400, JSON, mismatch), listed])
        assert told == [json.loads(mismatch)]


@pytest.mark.parametrize("session", [None, "older era"])
def test_a_call_that_is_cancelled_while_the_server_starts_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session: str | None
) -> None:
    answers = [(200, JSON, b'{"jsonrpc":"2.0","id":2,"result":{}}')]
    asked: list[tuple[dict[str, str], Any]] = []
    handler = type("Handler", (BridgedSite,), {"answers": answers, "asked": asked})
    started, out = threading.Event(), io.BytesIO()

    def said() -> Iterator[bytes]:
        yield b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mail"}}\n'
        yield b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n'
        started.set()
        yield b'{"jsonrpc":"2.0","id":2,"method":"ping"}\n'

    with served(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as gateway:
        url = f"http://127.0.0.1:{gateway.server_port}"
        info = RunInfo(1, gateway.server_port, "127.0.0.1", url, "x", "2026-11-29T10:00:00Z", "1")

        def found(_finder: Any) -> RunInfo:
            assert started.wait(20)
            return info

        monkeypatch.setattr("gridbear_desktop.server_finding.ServerFinder.found", found)
        lines: Any = said()
        bridge = Bridge(DataFolder(tmp_path), "/mcp", lines, out)
        bridge._session = session
        bridge.run()
    assert [message["id"] for _, message in asked] == [2]
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == [2]
