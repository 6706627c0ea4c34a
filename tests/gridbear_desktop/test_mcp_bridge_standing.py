"""What a client of `gridbear mcp` asked once still holds after the server has started anew."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

import pytest

from gridbear_desktop.mcp_bridge import Bridge
from gridbear_desktop.mcp_lines import Lines
from gridbear_desktop.mcp_standing import Listening
from gridbear_desktop.runfile import RunInfo
from server.data_folder import DataFolder
from tests.gridbear_desktop.bridged import EVENTS, JSON, BridgedSite, relayed
from tests.http_site import QuietHandler, served

TIMEOUT = 20
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
ID = {"_meta": {"io.modelcontextprotocol/subscriptionId": "l"}}
HONOURED = {"toolsListChanged": True, "resourceSubscriptions": ["note://one"]}
ACK = {"method": "notifications/subscriptions/acknowledged", "params": {"notifications": HONOURED, **ID}}
TOOLS = {"method": "notifications/tools/list_changed", "params": ID}
UPDATED = {"method": "notifications/resources/updated", "params": {**ID, "uri": "note://one"}}
END = {"id": "l", "result": {"resultType": "complete", **ID}}
ERROR = {"id": "l", "error": {"code": -32603, "message": "You have 100 subscriptions open already."}}
BUSY = (503, JSON, b'{"error":"The server is stopping.","code":"busy"}')
STALE = (401, JSON, b'{"error":"Sign in first.","code":"unauthenticated"}')
ASKED = {"jsonrpc": "2.0", "id": "l", "method": "subscriptions/listen", "params": {"notifications": {}, "_meta": META}}


class Told:
    """What a client is told, as it comes."""

    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def write(self, line: bytes) -> None:
        self.messages.put(json.loads(line))

    def flush(self) -> None:
        """Nothing is kept back."""

    def until(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """All of it up to the first message that has what `wanted` has."""
        found = [self.messages.get(timeout=TIMEOUT)]
        while not wanted.items() <= found[-1].items():
            found.append(self.messages.get(timeout=TIMEOUT))
        return found

    def rest(self) -> list[dict[str, Any]]:
        found = []
        while not self.messages.empty():
            found.append(self.messages.get())
        return found


def info_of(port: int, token: str = "x") -> RunInfo:
    return RunInfo(1, port, "127.0.0.1", f"http://127.0.0.1:{port}", token, "2026-11-29T10:00:00Z", "1")


def stream(*messages: dict[str, Any]) -> tuple[int, str, bytes]:
    body = b"".join(b"data: " + json.dumps({"jsonrpc": "2.0", **one}).encode() + b"\n\n" for one in messages)
    return 200, EVENTS, body


def listened(
    monkeypatch: pytest.MonkeyPatch, answers: list[tuple[int, str, bytes] | None], *, stopped: int = 0
) -> tuple[list[dict[str, Any]], list[str]]:
    """What the client of one subscription is told, and how the server was looked for. stopped: so often not found."""
    requests: list[tuple[dict[str, str], Any]] = []
    handler = type("Handler", (BridgedSite,), {"answers": answers, "asked": requests})
    monkeypatch.setattr("gridbear_desktop.mcp_standing.AGAIN_SECONDS", 0.0)
    told, looked, over = Told(), list[str](), threading.Event()
    with served(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as site:

        def started(anew: bool) -> RunInfo:
            looked.append("anew" if anew else "started")
            return info_of(site.server_port)

        def running() -> RunInfo | None:
            looked.append("running")
            return info_of(site.server_port) if looked.count("running") > stopped else None

        lines = Lines(cast("BinaryIO", told), over)
        line = json.dumps(ASKED).encode() + b"\n"
        Listening(ASKED, line, lines, over, started, running, lambda: "/mcp").serve()
    assert all(body == ASKED for _, body in requests)
    return [{name: one[name] for name in one if name != "jsonrpc"} for one in told.rest()], looked


@pytest.mark.parametrize(
    "ended", [pytest.param(stream(ACK, TOOLS, END), id="in good order"), pytest.param(stream(ACK, TOOLS), id="torn")]
)
def test_a_subscription_of_the_newest_era_is_one_stream_however_often_the_server_starts(
    monkeypatch: pytest.MonkeyPatch, ended: tuple[int, str, bytes]
) -> None:
    again = [ended, None, BUSY, STALE, stream(ACK, UPDATED, END), stream(ERROR)]
    told, looked = listened(monkeypatch, again, stopped=2)
    assert told == [ACK, TOOLS, TOOLS, UPDATED, UPDATED, ERROR], "what may have been missed is told once"
    assert looked == ["started", *["running"] * 7], "a server that a person stopped is not started by it"


def test_a_subscription_that_never_begins_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="ended without an answer"):
        listened(monkeypatch, [None] * 4)
    told, looked = listened(monkeypatch, [STALE, stream(ERROR)])
    assert (told, looked) == ([ERROR], ["started", "anew"])
    told, _ = listened(monkeypatch, [BUSY] * 4)
    assert [one["error"]["message"] for one in told] == ["The server is stopping."]


def test_a_cancelled_subscription_is_not_opened_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    held, cancelled = threading.Event(), threading.Event()

    class Site(QuietHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", EVENTS)
            self.end_headers()
            self.wfile.write(stream(ACK)[2])
            held.wait(TIMEOUT)

    told = Told()

    def lines() -> Iterator[bytes]:
        yield json.dumps(ASKED).encode()
        told.until({"method": ACK["method"]})
        yield b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l"}}'
        cancelled.set()

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Site)) as site:
        bridge = Bridge(DataFolder(tmp_path), "/mcp", cast("BinaryIO", lines()), cast("BinaryIO", told))
        bridge._info = info_of(site.server_port)
        bridge.run()
        held.set()
    assert cancelled.is_set()
    assert told.rest() == []


class Forgetful(QuietHandler):
    """A gateway with sessions; `known` is the one it knows, and a new one is made by each initialize."""

    protocol_version = "HTTP/1.1"
    known: ClassVar[list[str]]
    asked: ClassVar[queue.SimpleQueue[tuple[str, str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method, session = body["method"], self.headers.get("mcp-session-id") or ""
        self.close_connection = True
        if method == "initialize":
            self.known[:] = [f"session {int(self.known[0]) if self.known else 1}"]
        elif session not in self.known:
            self.reply(404)
            return
        self.asked.put((session, method, body.get("params")))
        result = {"protocolVersion": "2025-11-25"} if method == "initialize" else {}
        answer = (
            json.dumps({"jsonrpc": "2.0", "id": body.get("id"), "result": result}).encode() if "id" in body else b""
        )
        self.send_response(200 if answer else 202)
        if method == "initialize":
            self.send_header("mcp-session-id", self.known[0])
        self.send_header("content-type", JSON)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def test_after_a_new_session_the_log_level_and_the_subscriptions_are_those_of_the_old_one(tmp_path: Path) -> None:
    asked: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()
    known: list[str] = []
    handler = type("Handler", (Forgetful,), {"known": known, "asked": asked})
    told = Told()
    wishes = [
        ("logging/setLevel", {"level": "error"}),
        ("logging/setLevel", {"level": "debug"}),
        ("resources/subscribe", {"uri": "note://one"}),
        ("resources/subscribe", {"uri": "note://two"}),
        ("resources/unsubscribe", {"uri": "note://one"}),
    ]

    def lines() -> Iterator[bytes]:
        for number, (method, params) in enumerate([("initialize", {}), *wishes]):
            yield json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
            told.until({"id": number})
        known[:] = ["2"]
        yield b'{"jsonrpc":"2.0","id":"call","method":"tools/call","params":{}}'
        later = [told.messages.get(timeout=TIMEOUT) for _ in range(5)]
        assert {one.get("method") or one["id"] for one in later} == {
            *(f"notifications/{kind}/list_changed" for kind in ("tools", "resources", "prompts")),
            "call",
            "notifications/resources/updated",
        }
        assert [one["params"] for one in later if "params" in one] == [{"uri": "note://two"}]

    with served(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as site:
        bridge = Bridge(DataFolder(tmp_path), "/mcp", cast("BinaryIO", lines()), cast("BinaryIO", told))
        bridge._info = info_of(site.server_port)
        bridge.run()
    seen = []
    while not asked.empty():
        seen.append(asked.get())
    new = [(method, params) for session, method, params in seen if session == "session 2"]
    assert new[:2] == [("notifications/initialized", None), wishes[1]], "before the client's next message"
    assert sorted(new[2:]) == [wishes[3], ("tools/call", {})]


@pytest.mark.parametrize("other", ["y", "x"])
def test_a_server_that_started_anew_at_the_same_place_is_asked_with_its_own_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay"}}\n'
    done = (200, JSON, b'{"jsonrpc":"2.0","id":1,"result":{"done":true}}')
    found: list[RunInfo] = []

    class Noting(BridgedSite):
        def do_POST(self) -> None:
            found.append(info_of(self.connection.getsockname()[1], other))
            super().do_POST()

    monkeypatch.setattr("gridbear_desktop.server_finding.ServerFinder.running", lambda _: found[-1])
    told, asked = relayed(tmp_path, monkeypatch, call, [STALE, done], Noting)
    assert [headers["authorization"] for headers, _ in asked] == ["Bearer x", "Bearer y"][: 1 + (other == "y")]
    if other == "y":
        assert told == [json.loads(done[2])]
    else:
        assert [one["error"]["message"] for one in told] == ["Sign in first."]
