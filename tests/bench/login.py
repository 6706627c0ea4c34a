"""How many passwords an attacker gets checked, and what checking them costs everybody else."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import statistics
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench import servers
from tests.bench.load import percentile
from tests.bench.table import Table

SECONDS = 10.0
ATTACKERS = 32
"""Connections that guess at the same time."""
ADDRESSES = 100
ACCOUNTS = ("max", "eva", "tom", "ida")
_OUTCOMES = {401: "checked", 429: "refused"}


def section(folder: Path) -> str:
    """The table. Each attack meets a server that was just started; a proxy tells it where a guess comes from."""
    [token, *_] = servers.new_folder(folder / "data")
    os.environ["GRIDBEAR_TRUSTED_PROXIES"] = "127.0.0.1"
    alone = _Meanwhile()
    attacks = (
        ("one address, one account", 1, ACCOUNTS[:1]),
        (f"{ADDRESSES} addresses, one account", ADDRESSES, ACCOUNTS[:1]),
        (f"{ADDRESSES} addresses, {len(ACCOUNTS)} accounts", ADDRESSES, ACCOUNTS),
        (f"{ADDRESSES} addresses, names that nobody has", ADDRESSES, ()),
    )
    rows = []
    try:
        for name, addresses, accounts in attacks:
            port = servers.free_port()
            process = servers.start_gridbear(folder / "data", port)
            try:
                servers.wait_for(port, "/healthz", process)
                if not alone.latencies:
                    alone.listen(port, token, SECONDS / 2)
                beside = _Meanwhile()
                outcomes = _attack(port, addresses, accounts, beside, token)
            finally:
                process.terminate()
                process.wait(20)
            strange = {status: count for status, count in outcomes.items() if status not in _OUTCOMES}
            assert not strange, strange
            rows.append([name, str(outcomes[401]), str(outcomes[429]), beside.told()])
    finally:
        del os.environ["GRIDBEAR_TRUSTED_PROXIES"]
    head = [f"{ATTACKERS} connections for {SECONDS:g} s", "passwords checked", "refused", "list of another, p50 / p99"]
    return Table(head, [["nobody guesses", "0", "0", alone.told()], *rows]).markdown()


class _Meanwhile:
    """One other client that lists its notes all the time."""

    def __init__(self) -> None:
        self.latencies: list[float] = []

    def listen(self, port: int, token: str, seconds: float) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.perf_counter()
            client.request("GET", "/api/v1/notes", headers={"Authorization": f"Bearer {token}"})
            answer = client.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            self.latencies.append(time.perf_counter() - began)
            time.sleep(0.01)

    def told(self) -> str:
        return f"{statistics.median(self.latencies) * 1000:.1f} / {percentile(self.latencies, 99) * 1000:.1f} ms"


def _attack(port: int, addresses: int, accounts: tuple[str, ...], beside: _Meanwhile, token: str) -> Counter[int]:
    outcomes: Counter[int] = Counter()
    numbers = itertools.count()
    end = time.monotonic() + SECONDS

    def guess() -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for body, headers in _guesses(numbers, addresses, accounts):
            if time.monotonic() >= end:
                return
            client.request("POST", "/auth/login", body, headers)
            answer = client.getresponse()
            json.loads(answer.read())
            outcomes[answer.status] += 1

    threads = [threading.Thread(target=guess) for _ in range(ATTACKERS)]
    threads.append(threading.Thread(target=beside.listen, args=(port, token, SECONDS)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def _guesses(numbers: Iterator[int], addresses: int, accounts: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    for number in numbers:
        name = accounts[number % len(accounts)] if accounts else f"nobody{number}"
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": f"10.0.0.{number % addresses + 1}",
        }
        yield urllib.parse.urlencode({"username": name, "password": f"guess {number}"}), headers
