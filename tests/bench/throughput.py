"""Requests per second beside PocketBase: lists, single rows, creates, in alternating rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench import load
from tests.bench.servers import Served
from tests.bench.table import Table, ratio

SECONDS = 2.0
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """What both servers are asked, and how many times faster ours should be."""

    title: str
    requests: Callable[[Served], Iterator[bytes]]
    goal: float | None = None
    connections: int = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of one server."""

    rate: float
    p95: float
    """Seconds."""
    cpu: float
    """Milliseconds of processor time for each thousand answers."""


LISTS = (
    Case("list 30 of 10,000 with total, the same page again", Served.same_page, 6.0),
    Case("list 30 of 10,000 with total, the first 20 pages of 4 people", Served.head_pages, 6.0),
    Case("list 30 of 10,000 with total, all 333 pages of 4 people", Served.pages, 6.0),
    Case("list 30, filtered and sorted, all pages of 4 people", Served.filtered_pages, 6.0),
    Case("read one of 40,000", Served.reads, 3.0),
)
CREATES = (
    Case("create, durable, 32 clients: the same fields and indexes", Served.plain_creates, 4.0),
    Case("create a note, durable, 32 clients: with full text and history, which PocketBase does not have",
         Served.creates),
)  # fmt: skip
CLIENTS = tuple(
    Case(f"create, durable, {n} client{'s' if n > 1 else ''}", Served.creates, None, n) for n in (1, 8, 32, 128)
)


def measure(running: Sequence[Served], case: Case, seconds: float = SECONDS, rounds: int = ROUNDS) -> list[Figures]:
    """One case, all servers in turn."""
    requests = [case.requests(served) for served in running]
    found: list[list[Figures]] = [[] for _ in running]
    for _ in range(rounds):
        for served, asked, figures in zip(running, requests, found, strict=True):
            before = served.cpu_seconds()
            answered = load.run(served.port, asked, case.connections, seconds)
            cpu = (served.cpu_seconds() - before) / len(answered.latencies) * 1e6
            figures.append(Figures(answered.rate, answered.percentile(95), cpu))
    return [
        Figures(*(statistics.median(values) for values in zip(*((f.rate, f.p95, f.cpu) for f in of), strict=True)))
        for of in found
    ]


def table(running: Sequence[Served], cases: Sequence[Case]) -> Table:
    """The figures of all cases, ours first."""
    names = [served.name for served in running]
    head = ["requests per second", *names, "ratio", "goal", *(f"CPU {name}" for name in names)]
    rows = []
    for case in cases:
        found = measure(running, case)
        rates = [f"{figures.rate:,.0f}" for figures in found]
        goal = "" if case.goal is None else f"≥ {case.goal:g}×"
        times = ratio(found[0].rate, found[1].rate if len(found) > 1 else None)
        rows.append([case.title, *rates, times, goal, *(f"{figures.cpu:.0f} ms" for figures in found)])
    return Table(head, rows)
