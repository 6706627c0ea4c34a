"""A million notes of one person: import, export, and what pages cost beside the same at 10,000, with the loop's lag."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import random
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvloop

from tests.bench import big_csv, load, servers
from tests.bench.load import Load, request
from tests.bench.servers import Served
from tests.bench.table import Table

SMALL = 10_000
SECONDS = 4.0
_WORDS = ("kettle vintage", "Lindqvist", "paint oak ladder", "warehouse", "smörgås", "東京")


def section(folder: Path, rows: int = big_csv.ROWS) -> str:
    """Three tables: pages, the second client's waits, import and export."""
    found = {count: _measured(folder / str(count), count) for count in (SMALL, rows)}
    small, large = found[SMALL], found[rows]
    pages, lags = [], []
    for name in small.pages:
        before, (now, lag) = small.pages[name][0], large.pages[name]
        times = f"{now.percentile(95) / before.percentile(95):.1f}×"
        pages.append([name, *_both(before), *_both(now), times, "≤ 3×" if name in _BOUND else ""])
        lags.append([name, *_both(lag), f"{max(lag.latencies) * 1e3:.1f} ms", "< 20 ms" if name == _SCAN else ""])
    head = [
        "one client, one person's notes",
        "10,000: p50",
        "p95",
        f"{rows:,}: p50",
        "p95",
        "p95 against 10,000",
        "goal",
    ]
    waits = [f"a second client reads one note all the time, {rows:,} rows", "p50", "p95", "longest", "goal for p95"]
    moved = [
        ["import of a CSV", f"{large.imported[0]:,.0f}", "≥ 50,000", f"{large.imported[1]:.0f} MB", "< 100 MB"],
        ["export as CSV", f"{large.exported[0]:,.0f}", "≥ 100,000", f"{large.exported[1]:.0f} MB", "< 100 MB"],
    ]
    transfer = ["transfer", "rows per second", "goal", "memory on top", "goal"]
    return "\n".join(
        Table(head, body).markdown() for head, body in ((head, pages), (waits, lags), (transfer, moved))
    )  # fmt: skip


_SCAN = "unindexed filter, a scan of all"
_BOUND = ("indexed filter, first pages", "deep cursor page")


class _Found:
    """What was measured at one size."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[Load, Load]] = {}
        self.imported = self.exported = (0.0, 0.0)


def _measured(folder: Path, rows: int) -> _Found:
    folder.mkdir(parents=True)
    file = folder / "notes.csv"
    big_csv.write(file, rows)
    served = servers.gridbear(folder / "data", rows=0, names=("max",))
    found = _Found()
    try:
        found.imported = _with_memory(served, rows, lambda: _import(served, file))
        served.people = [servers.Person(served.people[0].token, list(range(1, rows + 1)))]
        for name, requests in _asked(served, rows).items():
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                found.pages[name] = runner.run(_beside_reader(served, requests))
        found.exported = _with_memory(served, rows, lambda: _export(served))
    finally:
        served.stop()
    return found


def _asked(served: Served, rows: int) -> dict[str, Iterator[bytes]]:
    token, pick = served.people[0].token, random.Random(1)

    def gets(make: Callable[[], str]) -> Iterator[bytes]:
        while True:
            yield request("GET", f"/api/v1/notes?limit=30&{make()}", served.port, token)

    def filtered() -> str:
        if pick.random() < 0.5:
            return f"total=false&sort=-id&priority={pick.randrange(10)}&offset={pick.randrange(300)}"
        return f"total=false&sort=due_at&due_at__gte={_day(pick)}"

    cursors = [
        servers.call(served.port, "GET", f"/api/v1/notes?limit=1&total=false&offset={pick.randrange(rows - 1)}",
                     token=token)["next"]
        for _ in range(50)
    ]  # fmt: skip
    return {
        "indexed filter, first pages": gets(filtered),
        "the same, each with a total that is not known yet": gets(lambda: f"sort=due_at&due_at__gte={_day(pick)}"),
        "deep cursor page": gets(lambda: f"total=false&cursor={pick.choice(cursors)}"),
        "full text with total": gets(lambda: f"q={urllib.parse.quote(pick.choice(_WORDS))}"),
        _SCAN: gets(lambda: f"total=false&body__ilike=%25nowhere {pick.random()}%25".replace(" ", "+")),
    }


def _day(pick: random.Random) -> str:
    return f"20{20 + pick.randrange(15):02}-{1 + pick.randrange(12):02}-{1 + pick.randrange(28):02}T00:00:00Z"


async def _beside_reader(served: Served, requests: Iterator[bytes]) -> tuple[Load, Load]:
    token = served.people[0].token
    reads = itertools.cycle([request("GET", f"/api/v1/notes/{n}", served.port, token) for n in range(1, 10_000, 7)])
    asked, reader = await asyncio.gather(
        load.load(served.port, requests, 1, SECONDS), load.load(served.port, reads, 1, SECONDS)
    )
    return asked, reader


def _both(found: Load) -> list[str]:
    return [f"{found.percentile(percent) * 1e3:.1f} ms" for percent in (50, 95)]


def _with_memory(served: Served, rows: int, run: Callable[[], Any]) -> tuple[float, float]:
    """Rows per second of `run`, and the most megabytes that the server took on top of what it had."""
    before = served.own_megabytes()
    peak, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak.append(served.own_megabytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        began = time.perf_counter()
        run()
        took = time.perf_counter() - began
    finally:
        done.set()
        watcher.join()
    return rows / took, max(peak) - before


def _import(served: Served, file: Path) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=600)
    headers = {"Authorization": f"Bearer {served.people[0].token}", "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as body:
        connection.request("POST", "/api/v1/notes/import", body, headers)
        answer = connection.getresponse()
        text = answer.read()
    if answer.status != 200 or json.loads(text)["data"].get("errors"):
        raise RuntimeError(text[:1000])


def _export(served: Served) -> None:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{served.port}/api/v1/notes/export",
        headers={"Authorization": f"Bearer {served.people[0].token}"},
    )
    with urllib.request.urlopen(asked, timeout=600) as answer:
        while answer.read(1 << 20):
            pass
