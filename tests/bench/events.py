"""Two hundred listeners while 32 clients write: what it costs the writers, and how late the news is."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.bench import load, servers
from tests.bench.load import percentile, request
from tests.bench.servers import Served
from tests.bench.table import Table

LISTENERS = 200
PEOPLE = tuple(f"person{n}" for n in range(10))
SECONDS = 4.0
_ID = re.compile(rb'"verb":"create","id":(\d+)')


def section(folder: Path) -> str:
    """The table. Raises RuntimeError when a listener missed something."""
    served = servers.gridbear(folder / "gridbear", rows=100, names=PEOPLE)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_measured(served)).markdown()
    finally:
        served.stop()


async def _measured(served: Served) -> Table:
    rows = []
    for listeners in (0, LISTENERS):
        heard: list[dict[int, float]] = [{} for _ in range(listeners)]
        streams = [
            asyncio.create_task(_listen(served, served.people[n % len(PEOPLE)].token, heard[n]))
            for n in range(listeners)
        ]
        await asyncio.sleep(1.0)
        sent: list[tuple[int, float]] = []
        before = served.cpu_seconds()
        found = await load.load(served.port, _creates(served, sent), 32, SECONDS)
        cpu = (served.cpu_seconds() - before) / len(found.latencies) * 1e6
        await asyncio.sleep(1.0)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        # Ids are given in the order of the commits, so the events of one person are counted, not matched.
        made = [sum(person == n for person, _ in sent) for n in range(len(PEOPLE))]
        missed = [n for n, ids in enumerate(heard) if len(ids) < made[n % len(PEOPLE)]]
        if missed:
            raise RuntimeError(f"{len(missed)} of {listeners} listeners missed something")
        lags = [max(times) - min(times) for times in _arrivals(heard)]
        rows.append([
            f"{listeners} listeners", f"{found.rate:,.0f}", f"{found.percentile(95) * 1000:.1f} ms", f"{cpu:.0f} ms",
            f"{sum(map(len, heard)):,}", f"{percentile(lags, 95) * 1000:.1f} ms" if lags else "",
        ])  # fmt: skip
    return Table(
        ["32 clients create", "creates per second", "p95 of a create", "CPU", "events heard",
         "p95 from the first listener to the last"], rows
    )  # fmt: skip


def _creates(served: Served, sent: list[tuple[int, float]]) -> Iterator[bytes]:
    for number in itertools.count():
        person = number % len(PEOPLE)
        who = served.people[person]
        sent.append((person, time.perf_counter()))
        yield request("POST", served.path, served.port, who.token, json.dumps(served.note(who, number)).encode())


def _arrivals(heard: list[dict[int, float]]) -> list[list[float]]:
    found: dict[int, list[float]] = {}
    for ids in heard:
        for record_id, moment in ids.items():
            found.setdefault(record_id, []).append(moment)
    return list(found.values())


async def _listen(served: Served, token: str, heard: dict[int, float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1 << 20)
    writer.write(request("GET", "/api/v1/events?models=notes", served.port, token))
    rest = b""
    try:
        while data := await reader.read(1 << 20):
            now = time.perf_counter()
            whole, end, rest = (rest + data).rpartition(b"\n\n")
            for found in _ID.findall(whole + end):
                heard[int(found)] = now
    finally:
        writer.close()
