"""Tool calls beside the SDK: answers find their calls, other lines go to the session, what breaks is said."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from server.mcp_gateway.upstreams.http_calls import HttpCalls, fits
from server.mcp_gateway.upstreams.line_calls import LineCalls
from server.mcp_gateway.upstreams.request_failed import RequestFailed, result_of

pytestmark = pytest.mark.anyio


class Pipe:
    """Keeps what is written, and how many lines each time; `sent` is set with each write."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.writes: list[int] = []
        self.sent = asyncio.Event()

    def write(self, data: bytes) -> None:
        lines = [json.loads(line) for line in data.splitlines()]
        self.lines += lines
        self.writes.append(len(lines))
        self.sent.set()

    async def drain(self) -> None:
        return None


def params(**meta: Any) -> dict[str, Any]:
    return {"name": "echo", "arguments": {}, "_meta": meta}


async def started(pipe: Pipe, calls: LineCalls, progress: Any = None) -> asyncio.Task[dict[str, Any]]:
    pipe.sent.clear()
    task = asyncio.create_task(calls.call("tools/call", params(), progress))
    await pipe.sent.wait()
    return task


async def test_answers_find_their_calls_in_any_order() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    tasks = [await started(pipe, calls) for _ in range(3)]
    for line in reversed(pipe.lines):
        assert calls.take(orjson.dumps({"jsonrpc": "2.0", "id": line["id"], "result": {"of": line["id"]}}))
    answers = [await task for task in tasks]
    assert [answer["result"]["of"] for answer in answers] == [line["id"] for line in pipe.lines]


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":"gb-0","result":{}}',
        b'{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"\\"gb-1\\""}}',
        b'[{"id":"gb-1"}]',
        b'"gb-',
        b'{"id":{"a":"gb-1"},"params":[]}',
    ],
)
async def test_lines_that_are_no_answers_of_ours_are_left_to_the_session(line: bytes) -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    task = await started(pipe, calls)
    assert not calls.take(line)
    calls.close()
    with pytest.raises(RequestFailed):
        await task


async def test_large_numbers_and_half_characters_pass_both_ways() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    odd = {"number": 2**70, "text": "\ud800"}
    pipe.sent.clear()
    task = asyncio.create_task(calls.call("tools/call", {"name": "echo", "arguments": odd, "_meta": {}}, None))
    await pipe.sent.wait()
    assert pipe.lines[0]["params"]["arguments"] == odd
    answer = {"jsonrpc": "2.0", "id": pipe.lines[0]["id"], "result": {"number": 2**70, "none": float("nan")}}
    assert calls.take(json.dumps(answer).encode())
    assert (await task)["result"] == {"number": 2**70, "none": None}


async def test_a_second_answer_to_one_call_is_not_taken_for_another() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    task = await started(pipe, calls)
    answer = orjson.dumps({"jsonrpc": "2.0", "id": pipe.lines[0]["id"], "result": {"first": True}})
    assert calls.take(answer)
    assert (await task)["result"] == {"first": True}
    assert not calls.take(answer)


async def test_progress_is_passed_on_before_the_result() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    seen: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        await asyncio.sleep(0)
        seen.append((done, total, message))

    task = await started(pipe, calls, progress)
    token = pipe.lines[0]["params"]["_meta"]["progressToken"]
    for step in (1, 2):
        told = {"progressToken": token, "progress": step, "total": 2, "message": "on the way"}
        assert calls.take(orjson.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": told}))
    assert calls.take(orjson.dumps({"jsonrpc": "2.0", "id": pipe.lines[0]["id"], "result": {}}))
    await task
    assert seen == [(1, 2, "on the way"), (2, 2, "on the way")]


async def test_of_progress_that_a_slow_reader_leaves_waiting_the_newest_is_kept_and_the_rest_forgotten() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    seen: list[float] = []
    reads = asyncio.Event()

    async def progress(done: float, _total: float | None, _message: str | None) -> None:
        await reads.wait()
        seen.append(done)

    task = await started(pipe, calls, progress)
    token = pipe.lines[0]["params"]["_meta"]["progressToken"]
    for step in range(10_000):
        told = {"progressToken": token, "progress": step}
        assert calls.take(orjson.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": told}))
    tasks = len(asyncio.all_tasks())
    assert calls.take(orjson.dumps({"jsonrpc": "2.0", "id": pipe.lines[0]["id"], "result": {}}))
    reads.set()
    await task
    assert seen[-1] == 9999 and len(seen) <= 33 and tasks < 10


async def test_of_long_reports_that_wait_there_are_fewer() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    seen: list[tuple[float, str | None]] = []
    reads = asyncio.Event()

    async def progress(done: float, _total: float | None, message: str | None) -> None:
        await reads.wait()
        seen.append((done, message))

    task = await started(pipe, calls, progress)
    texts: list[Any] = [*["x" * 400_000] * 10, "y" * 2_000_000, {"no": "text"}]
    for step, text in enumerate(texts):
        told = {"progressToken": pipe.lines[0]["id"], "progress": step, "message": text}
        assert calls.take(orjson.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": told}))
    assert calls.take(orjson.dumps({"jsonrpc": "2.0", "id": pipe.lines[0]["id"], "result": {}}))
    reads.set()
    await task
    assert seen == [(11, None)]


async def test_a_client_that_does_not_read_its_progress_holds_no_answer_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.mcp_gateway.upstreams.pending_calls._LAST_REPORTS_SECONDS", 0.05)
    pipe = Pipe()
    calls = LineCalls(pipe)

    async def progress(_done: float, _total: float | None, _message: str | None) -> None:
        await asyncio.get_running_loop().create_future()

    task = await started(pipe, calls, progress)
    told = {"progressToken": pipe.lines[0]["id"], "progress": 1}
    assert calls.take(orjson.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": told}))
    assert calls.take(orjson.dumps({"jsonrpc": "2.0", "id": pipe.lines[0]["id"], "result": {}}))
    async with asyncio.timeout(10):
        assert (await task)["result"] == {}


async def test_a_client_that_cannot_be_told_of_progress_gets_its_answer() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)

    async def progress(_done: float, _total: float | None, _message: str | None) -> None:
        raise ConnectionError("gone")

    task = await started(pipe, calls, progress)
    told = {"progressToken": pipe.lines[0]["id"], "progress": 1}
    assert calls.take(orjson.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": told}))
    assert calls.take(orjson.dumps({"jsonrpc": "2.0", "id": pipe.lines[0]["id"], "result": {"a": 1}}))
    assert (await task)["result"] == {"a": 1}


async def test_a_call_that_nobody_waits_for_is_cancelled_at_the_server() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    task = await started(pipe, calls)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pipe.lines[1]["method"] == "notifications/cancelled"
    assert pipe.lines[1]["params"]["requestId"] == pipe.lines[0]["id"]


async def test_the_end_of_the_pipes_ends_every_call_and_refuses_new_ones() -> None:
    pipe = Pipe()
    calls = LineCalls(pipe)
    tasks = [await started(pipe, calls) for _ in range(2)]
    calls.close()
    for call in (*tasks, calls.call("tools/call", params(), None)):
        with pytest.raises(RequestFailed) as failed:
            await call
        assert (failed.value.kind, failed.value.broken) == ("transport", True)


def test_an_error_of_the_server_is_its_answer_and_no_fault_of_the_connection() -> None:
    with pytest.raises(RequestFailed) as failed:
        result_of({"id": 1, "error": {"code": -32602, "message": "no such tool", "data": {"a": 1}}})
    assert (failed.value.code, failed.value.data, failed.value.kind) == (-32602, {"a": 1}, None)


@pytest.mark.parametrize("url", ["https://a/mcp", "http://me:word@a/mcp", "http://ä/mcp", "http:///mcp"])
def test_what_is_not_plain_http_is_left_to_the_sdk(url: str) -> None:
    assert not fits(url, {})


@pytest.mark.parametrize(
    "header", [("X-Key", "1\r\nHost: b"), ("X-Key", "ä"), ("host", "b"), ("Expect", "100-continue")]
)
def test_headers_that_are_not_plain_are_left_to_the_sdk(header: tuple[str, str]) -> None:
    assert fits("http://a/mcp", {"X-Key": "1"}) and not fits("http://a/mcp", dict([header]))


Answering = Callable[[str], bytes]


async def asked_of(answering: Answering, times: int = 1) -> tuple[list[Any], list[dict[str, Any]], int]:
    """What calls bring to whom `answering(id)` gives the raw HTTP answer: results, told messages, visits."""
    visits = 0
    tasks: list[asyncio.Task[Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        visiting = asyncio.current_task()
        assert visiting is not None
        tasks.append(visiting)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                message = orjson.loads(await reader.readexactly(length))
                writer.write(answering(message["id"]))
                if not answering(message["id"]).startswith(b"HTTP/1.1 200") or b"close" in head:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    told: list[dict[str, Any]] = []

    async def tell(message: dict[str, Any]) -> None:
        told.append(message)

    calls = HttpCalls(f"http://127.0.0.1:{port}/mcp", {}, tell, lambda _id: None)
    found: list[Any] = []
    for _ in range(times):
        try:
            found.append(await calls.call("tools/call", params(), {}, None))
        except RequestFailed as error:
            found.append(error)
    calls.close()
    for visit in tasks:
        await visit
    server.close()
    await server.wait_closed()
    return found, told, visits


def whole(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def result(call_id: str) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": call_id, "result": {"content": []}})


async def test_one_connection_serves_call_after_call() -> None:
    found, _, visits = await asked_of(lambda call_id: whole(result(call_id)), 5)
    assert [answer["result"] for answer in found] == [{"content": []}] * 5
    assert visits == 1


async def test_what_a_stream_brings_beside_the_answer_goes_to_the_session() -> None:
    notice = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}

    def stream(call_id: str) -> bytes:
        body = b": hello\r\n\r\nevent: message\r\ndata: " + orjson.dumps(notice) + b"\r\n\r\n"
        return whole(body + b"data: " + result(call_id) + b"\n\n", kind="text/event-stream")

    found, told, visits = await asked_of(stream, 2)
    assert [answer["result"] for answer in found] == [{"content": []}] * 2
    assert (told, visits) == ([notice, notice], 1)


async def test_a_stream_that_ends_before_the_result_is_a_broken_call() -> None:
    [failed], _, _ = await asked_of(lambda _id: whole(b"data: \n\n", kind="text/event-stream"))
    assert isinstance(failed, RequestFailed) and failed.kind == "transport"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
async def test_events_may_end_in_any_way_and_what_is_no_message_is_passed_over(end: bytes) -> None:
    def stream(call_id: str) -> bytes:
        parts = [b"data: {", b"data: [1]", b"id: 7", b": still there", b"data: " + result(call_id), b""]
        return whole(end.join(parts), kind="text/event-stream")

    [answer], told, _ = await asked_of(stream)
    assert (answer["result"], told) == ({"content": []}, [])


async def test_a_word_before_the_answer_is_not_the_answer() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    [answer], _, _ = await asked_of(lambda call_id: hints + whole(result(call_id)))
    assert answer["result"] == {"content": []}


@pytest.mark.parametrize("line", [b"X: " + b"x" * 300_000, b"X: x\r\n" * 60_000])
async def test_an_answer_with_an_endless_head_is_given_up(line: bytes) -> None:
    [failed], _, _ = await asked_of(lambda _id: b"HTTP/1.1 200 OK\r\n" + line)
    assert isinstance(failed, RequestFailed) and "head" in failed.message


async def test_a_server_that_hangs_up_is_a_fault_of_the_transport_and_not_asked_again() -> None:
    [failed], _, visits = await asked_of(lambda _id: b"HTTP/1.1 503")
    assert isinstance(failed, RequestFailed) and failed.kind == "transport"
    assert visits == 1


@pytest.mark.parametrize(
    ("status", "kind", "broken"),
    [("500 No", "slow", False), ("401 No", None, False), ("404 No", "transport", True), ("302 No", None, False)],
)
async def test_a_status_says_who_is_to_blame(status: str, kind: str | None, broken: bool) -> None:
    [failed], _, _ = await asked_of(lambda _id: whole(b"", status))
    assert isinstance(failed, RequestFailed) and (failed.kind, failed.broken) == (kind, broken)
    assert failed.status == (0 if broken else int(status[:3]))


async def test_an_answer_to_another_request_is_refused() -> None:
    [failed], _, _ = await asked_of(lambda _id: whole(result("gb-other")))
    assert isinstance(failed, RequestFailed) and "another request" in failed.message
