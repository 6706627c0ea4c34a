"""What is kept of messages while an admin watches: the newest, cut to size, for as long as somebody looks."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import Conflict
from server.mcp_gateway.activity.redaction import BLACKED, Redactor
from server.mcp_gateway.failures import UPSTREAM_FAILED, CallFailed
from server.mcp_gateway.messages import message_ring
from server.mcp_gateway.messages.in_process import noted
from server.mcp_gateway.messages.message import UNTELLABLE
from server.mcp_gateway.messages.message_ring import BODY_BYTES, MOST_BYTES, MOST_MESSAGES, MessageRing
from server.mcp_gateway.messages.tap import WATCH_SECONDS, MessageWatch, Tap
from server.mcp_gateway.messages.watches import MOST_WATCHED, MessageWatches

pytestmark = pytest.mark.anyio
NOTHING = Redactor(())


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def request(number: Any, method: str = "tools/call", **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def told(ring: MessageRing, redactor: Redactor = NOTHING) -> list[dict[str, Any]]:
    return [message.told(redactor) for message in ring.after(0)]


def test_an_answer_knows_its_request_and_how_long_it_took() -> None:
    ring = MessageRing(0.0)
    ring.note("to_server", request(1, name="echo"), None, 10.0, 1.0)
    ring.note("from_server", request(1, "roots/list"), None, 10.0, 1.1)
    ring.note("to_server", {"jsonrpc": "2.0", "id": 1, "result": {"roots": []}}, None, 10.0, 1.2)
    ring.note("from_server", {"jsonrpc": "2.0", "id": 1, "result": {"isError": True}}, None, 10.0, 1.25)
    ring.note("from_server", {"jsonrpc": "2.0", "id": 9, "error": {"code": 1, "message": "x"}}, None, 10.0, 1.3)
    ring.note("from_server", {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}, None, 10.0, 1.3)
    call, asked, gave, answer, stray, notice = told(ring)
    assert (call["kind"], call["method"], call["about"], call["answers"]) == ("request", "tools/call", "echo", None)
    assert call["time"].startswith("1970-01-01T00:00:10")
    assert (asked["kind"], asked["direction"], gave["answers"], gave["method"]) == (
        "request", "from_server", 2, "roots/list",
    )  # fmt: skip
    assert (answer["answers"], answer["method"], answer["about"], answer["took_ms"]) == (1, "tools/call", "echo", 250.0)
    assert answer["failed"] and not gave["failed"]
    assert (stray["kind"], stray["failed"], stray["method"], stray["answers"]) == ("error", True, None, None)
    assert (notice["kind"], notice["id"]) == ("notification", None)


def test_a_request_without_an_answer_says_why_and_one_with_an_answer_does_not() -> None:
    ring = MessageRing(0.0)
    for number in ("gb-1", "gb-2"):
        ring.note("to_server", request(number, name="echo"), None, 0.0, 1.0)
    ring.note("from_server", {"jsonrpc": "2.0", "id": "gb-2", "result": {}}, None, 0.0, 1.0)
    for number in ("gb-1", "gb-1", "gb-2", "gb-3"):
        ring.lost(number, "the program has ended", None, 0.0, 1.5)
    *_, answer, lost = told(ring)
    assert answer["kind"] == "answer"
    assert (lost["kind"], lost["answers"], lost["about"], lost["took_ms"], lost["failed"]) == (
        "lost", 1, "echo", 500.0, True,
    )  # fmt: skip
    assert lost["message"] == {"id": "gb-1", "lost": "the program has ended"}


def test_connections_of_two_people_may_use_the_same_ids() -> None:
    ring = MessageRing(0.0)
    for person, name in ((1, "mine"), (2, "yours")):
        ring.note("to_server", request(1, name=name), person, 0.0, 0.0)
    ring.note("from_server", {"jsonrpc": "2.0", "id": 1, "result": {}}, 1, 0.0, 0.0)
    assert told(ring)[-1]["about"] == "mine"
    assert told(ring)[-1]["person"] == 1


def test_there_is_room_for_so_many_and_the_oldest_go() -> None:
    ring = MessageRing(0.0)
    for number in range(MOST_MESSAGES + 5):
        ring.note("to_server", request(number), None, 0.0, 0.0)
    assert (len(ring), ring.forgotten, ring.last) == (MOST_MESSAGES, 5, MOST_MESSAGES + 5)
    assert next(ring.after(0)).sequence == 6
    assert [message.sequence for message in ring.after(ring.last - 2)] == [ring.last - 1, ring.last]
    # Answers to more requests than can be waited for.
    assert len(ring._waiting) <= message_ring._MOST_WAITING


def test_long_messages_are_cut_and_all_together_have_a_limit() -> None:
    ring = MessageRing(0.0)
    for number in range(300):
        ring.note("to_server", request(number, name="write", arguments={"text": "x" * 100_000}), None, 0.0, 0.0)
    assert ring._bytes <= MOST_BYTES and ring.forgotten > 0
    last = told(ring)[-1]
    assert last["cut"] and last["size"] > 100_000
    assert len(last["message"]["params"]["arguments"]["text"]) < BODY_BYTES
    assert last["message"]["params"]["name"] == "write"


def test_secrets_are_blacked_out_and_tokens_of_progress_are_not() -> None:
    ring = MessageRing(0.0)
    meta = {"progressToken": "gb-12"}
    arguments = {"password": "hunter2", "note": "the key is quite-secret-9", "token": 7}
    ring.note("to_server", request("quite-secret-9", name="x", arguments=arguments, _meta=meta), None, 0.0, 0.0)
    progress = {"progressToken": 3, "progress": 1}
    ring.note("from_server", {"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}, None, 0.0, 0.0)
    odd = {"progressToken": "quite-secret-9"}
    ring.note("from_server", {"jsonrpc": "2.0", "method": "quite-secret-9", "params": odd}, None, 0.0, 0.0)
    rows = told(ring, Redactor(["quite-secret-9"]))
    assert "hunter2" not in str(rows) and "quite-secret-9" not in str(rows)
    assert rows[0]["message"]["params"]["arguments"]["token"] == BLACKED
    assert rows[0]["message"]["params"]["_meta"] == meta
    assert rows[1]["message"]["params"] == progress


def test_whatever_json_can_say_can_be_told() -> None:
    ring = MessageRing(0.0)
    deep: Any = "end"
    for _ in range(20_000):
        deep = [deep]
    for value in (deep, 2**80, "\ud800 half", {"\udfff": 1}):
        ring.note("from_server", {"jsonrpc": "2.0", "id": [1], "result": value}, None, 0.0, 0.0)
    rows = told(ring)
    assert rows[0]["message"] != UNTELLABLE and rows[0]["cut"]
    assert rows[1]["message"]["result"] == 2**80
    assert rows[2]["message"]["result"] == "\ufffd half"
    assert [row["id"] for row in rows] == [None] * 4


def test_a_watching_ends_when_nobody_has_looked_for_long() -> None:
    clock = Clock()
    watch = MessageWatch(clock, wall=lambda: 0.0)
    assert watch.begin() and not watch.begin()
    Tap(watch).to_server(request(1))
    clock.now += WATCH_SECONDS - 1
    assert not watch.begin()
    clock.now += WATCH_SECONDS - 1
    assert watch.ring is not None and watch.ring.last == 1
    clock.now += 1
    Tap(watch).to_server(request(2))
    assert watch.ring is None
    # Who reads on knows the old numbers: they are not given again.
    assert watch.begin()
    Tap(watch).to_server(request(3))
    assert watch.ring is not None and [row["sequence"] for row in told(watch.ring)] == [2]


async def test_only_so_many_servers_are_watched_at_a_time() -> None:
    clock = Clock()
    watches = MessageWatches(clock)
    for server in range(MOST_WATCHED):
        assert watches.begin(server)
    with pytest.raises(Conflict):
        watches.begin("one more")
    assert not watches.begin(0)
    watches.forget(1)
    assert watches.begin("one more")
    clock.now += WATCH_SECONDS
    assert watches.begin("another")
    assert watches.of(0).ring is None
    watches.stop()
    assert watches.of("another").ring is None


async def test_a_call_inside_this_program_is_noted_with_its_answer_or_error() -> None:
    watch = MessageWatch()
    watch.begin()

    async def works() -> dict[str, Any]:
        return {"content": []}

    async def fails() -> dict[str, Any]:
        raise CallFailed(UPSTREAM_FAILED, "no luck")

    assert await noted(watch, "list", {"a": 1}, works()) == {"content": []}
    with pytest.raises(CallFailed):
        await noted(watch, "list", None, fails())
    assert watch.ring is not None
    asked, answer, _again, error = told(watch.ring)
    assert asked["message"]["params"] == {"name": "list", "arguments": {"a": 1}}
    assert (answer["answers"], answer["message"]["result"]) == (1, {"content": []})
    assert (error["kind"], error["message"]["error"]["message"]) == ("error", "no luck")
