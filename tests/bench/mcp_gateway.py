"""Tool calls through gateways beside the same call without one; lists and searches of 2,000 tools; memory."""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import load, mcp_pipes, mcp_servers, servers
from tests.bench.load import Load
from tests.bench.mcp_requests import LEGACY, MODERN, Asked
from tests.bench.mcp_servers import PIPED
from tests.bench.table import Table

SECONDS = 2.0
ROUNDS = 5
CLIENTS = 32
MANY_SERVERS, MANY_TOOLS = 100, 2000
MEMORY_SERVERS = 20
BY_SDK = "direct, by the SDK's client"

Run = Callable[[int, float], Load]


def section(folder: Path) -> str:
    """All tables."""
    return "\n".join((_calls(folder), _lists(folder / "many"), _memory(folder / "memory")))


def _calls(folder: Path) -> str:
    older = mcp_servers.OLDER if Path(mcp_servers.OLDER[0]).exists() else None
    with contextlib.ExitStack() as stack:
        direct = stack.enter_context(mcp_servers.upstream())
        url = f"http://127.0.0.1:{direct.port}/mcp"
        upstreams = [_http("up", url), _stdio("pipe", PIPED), *([_stdio("older", older)] if older else [])]
        ours, _ = stack.enter_context(mcp_servers.gridbear(folder / "ours", *upstreams))
        peers = [
            stack.enter_context(mcp_servers.fastmcp(url)),
            stack.enter_context(mcp_servers.contextforge(folder, url)),
        ]
        asked = [direct, ours, *(peer for peer in peers if peer is not None)]
        least = stack.enter_context(mcp_servers.least_relay())
        rows = []
        for era in (MODERN, LEGACY):
            runs = {one.name: _asking(one, era) for one in asked if era in one.eras}
            rows += _rows(f"HTTP upstream, {era}", runs)
        for era in (MODERN, LEGACY):
            runs = {one.name: _asking(one, era) for one in (_tool(ours, "pipe"), least)}
            rows += _rows(f"stdio upstream, {era}", _direct(PIPED, era) | runs)
        if older:
            runs = _direct(older, LEGACY) | {ours.name: _asking(_tool(ours, "older"), LEGACY)}
            rows += _rows(f"stdio upstream of {LEGACY} alone", runs)
    head = ["tools/call", "median, one client", "added", "calls per second, 32 clients", "of direct",
            "of the SDK's client"]  # fmt: skip
    left_out = "" if len(asked) == 4 and older else "\nLeft out, not installed: FastMCP, ContextForge or SDK 1.x.\n"
    return Table(head, rows).markdown() + left_out


def _tool(ours: Asked, server: str) -> Asked:
    return Asked(ours.name, ours.port, ours.path, f"{server}__echo", ours.token)


def _direct(command: list[str], era: str) -> dict[str, Run]:
    by_hand, by_sdk = partial(mcp_pipes.run, command, era), partial(mcp_pipes.run_sdk, command, era)
    return {"direct": by_hand, BY_SDK: by_sdk}


def _asking(asked: Asked, era: str) -> Run:
    requests = asked.calls(era)
    return lambda clients, seconds: load.run(asked.port, requests, clients, seconds)


def _rows(title: str, runs: dict[str, Run]) -> list[list[str]]:
    medians: dict[str, list[float]] = {name: [] for name in runs}
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(1, 0.5)  # the first calls find nothing started
    for _ in range(ROUNDS):
        for name, run in runs.items():
            medians[name].append(run(1, SECONDS).percentile(50))
            rates[name].append(run(CLIENTS, SECONDS).rate)
    alone = statistics.median(medians["direct"])
    rows = []
    for name in runs:
        median, rate = statistics.median(medians[name]), statistics.median(rates[name])
        added = "" if name == "direct" else f"{(median - alone) * 1e3:.2f} ms"
        shares = [_share(rates[name], rates.get(other, [])) if name != other else "" for other in ("direct", BY_SDK)]
        rows.append([f"{title}: {name}", f"{median * 1e3:.2f} ms", added, f"{rate:,.0f}", *shares])
    return rows


def _share(rates: list[float], of: list[float]) -> str:
    """The median of what each round says: what slows the machine down slows both of a round."""
    return f"{statistics.median(one / other for one, other in zip(rates, of, strict=True)):.0%}" if of else ""


def _lists(folder: Path) -> str:
    each = MANY_TOOLS // MANY_SERVERS
    with contextlib.ExitStack() as stack:
        port = servers.free_port()
        command = [sys.executable, str(mcp_servers.UPSTREAM), "http", str(port), "many", str(each)]
        stack.enter_context(mcp_servers.started(command, port))
        rows = [_http(f"s{number}", f"http://127.0.0.1:{port}/mcp") for number in range(MANY_SERVERS)]
        ours, _ = stack.enter_context(mcp_servers.gridbear(folder, *rows))
        found = ours.ask(MODERN, "tools/list", {})
        if found.count(b'"inputSchema"') < MANY_TOOLS:
            raise RuntimeError("not all tools are listed")
        search = {"name": "search_tools", "arguments": {"query": "invoices of customer 17"}}
        cases: list[tuple[str, str, dict[str, Any], str]] = [
            ("tools/list", "tools/list", {}, "≤ 20 ms"),
            ("search_tools", "tools/call", search, "≤ 10 ms"),
        ]
        table = []
        for title, method, params, goal in cases:
            for era in (MODERN, LEGACY):
                requests = (ours.raw(era, number, method, params) for number in range(1, 1_000_000))
                took = load.run(ours.port, requests, 1, SECONDS)
                shown = [f"{took.percentile(50) * 1e3:.1f} ms", f"{took.percentile(95) * 1e3:.1f} ms", goal]
                table.append([f"{title}, {era}", *shown])
    return Table([f"{MANY_SERVERS} servers, {MANY_TOOLS:,} tools", "median", "p95", "goal"], table).markdown()


def _memory(folder: Path) -> str:
    rows = [_stdio(f"s{number}", PIPED) for number in range(MEMORY_SERVERS)]
    with mcp_servers.gridbear(folder, *rows) as (ours, process):
        before = servers.own_memory(process)
        ours.ask(MODERN, "tools/list", {})
        for number in range(MEMORY_SERVERS):
            ours.ask(MODERN, "tools/call", {"name": f"s{number}__echo", "arguments": {"text": "hello"}})
        after = servers.own_memory(process)
    head = [f"memory of our process, {MEMORY_SERVERS} stdio servers", "before the first", "all running"]
    return Table(head, [["GridBear", f"{before:.0f} MB", f"{after:.0f} MB"]]).markdown()


def _http(name: str, url: str) -> dict[str, object]:
    return {"name": name, "transport": "http", "url": url}


def _stdio(name: str, command: list[str]) -> dict[str, object]:
    return {"name": name, "transport": "stdio", "command": command[0], "args": command[1:]}
