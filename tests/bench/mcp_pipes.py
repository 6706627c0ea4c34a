"""The upstream asked over its own pipes, with no gateway between: by hand, and by the SDK as clients do it."""

from __future__ import annotations

import asyncio
import json
import time

import uvloop
from mcp import Client, StdioServerParameters, stdio_client

from tests.bench.load import Load
from tests.bench.mcp_requests import LEGACY, MODERN, modern_meta


def run(command: list[str], era: str, in_flight: int, seconds: float) -> Load:
    """Calls of echo for `seconds`, so many at once, in the words of a version of the protocol.

    What a call costs at least: nothing is checked, and of an answer nothing is made but JSON.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(command, era, in_flight, seconds))


def run_sdk(command: list[str], era: str, in_flight: int, seconds: float) -> Load:
    """The same by the SDK's client, as a program calls its servers that has no gateway."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run_sdk(command, era, in_flight, seconds))


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


async def _run_sdk(command: list[str], era: str, in_flight: int, seconds: float) -> Load:
    latencies: list[float] = []
    transport = stdio_client(StdioServerParameters(command=command[0], args=command[1:]))
    async with Client(transport, mode=MODERN if era == MODERN else "legacy") as client:
        await client.call_tool("echo", {"text": "hello"})
        began = time.perf_counter()

        async def ask() -> None:
            while (asked := time.perf_counter()) - began < seconds:
                await client.call_tool("echo", {"text": "hello"})
                latencies.append(time.perf_counter() - asked)

        await asyncio.gather(*(ask() for _ in range(in_flight)))
        rate = len(latencies) / (time.perf_counter() - began)
    return Load(rate, latencies)


def _line(message: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
