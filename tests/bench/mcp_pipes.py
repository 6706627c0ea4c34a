"""The upstream asked over its own pipes, with no gateway between: what a call to a stdio server costs at least."""

from __future__ import annotations

import asyncio
import json
import time

import uvloop

from tests.bench.load import Load
from tests.bench.mcp_requests import LEGACY, MODERN, modern_meta


def run(command: list[str], era: str, in_flight: int, seconds: float) -> Load:
    """Calls of echo for `seconds`, so many at once, in the words of a version of the protocol."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(command, era, in_flight, seconds))


async def _run(command: list[str], era: str, in_flight: int, seconds: float) -> Load:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None and process.stdout is not None
    call: dict[str, object] = {"name": "echo", "arguments": {"text": "hello"}}
    if era == MODERN:
        call["_meta"] = modern_meta()
        process.stdin.write(_line({"id": 0, "method": "server/discover", "params": {"_meta": modern_meta()}}))
        await process.stdout.readline()
    else:
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        process.stdin.write(_line({"id": 0, "method": "initialize", "params": params}))
        await process.stdout.readline()
        process.stdin.write(_line({"method": "notifications/initialized"}))
    sent: dict[int, float] = {}
    latencies: list[float] = []
    began = time.perf_counter()
    number = 0
    while True:
        now = time.perf_counter()
        while len(sent) < in_flight and now - began < seconds:
            number += 1
            process.stdin.write(_line({"id": number, "method": "tools/call", "params": call}))
            sent[number] = time.perf_counter()
        if not sent:
            break
        answer = json.loads(await process.stdout.readline())
        latencies.append(time.perf_counter() - sent.pop(answer["id"]))
    rate = len(latencies) / (time.perf_counter() - began)
    process.stdin.close()
    await process.wait()
    return Load(rate, latencies)


def _line(message: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
