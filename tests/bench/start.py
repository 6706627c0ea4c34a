"""How long `serve` takes to its first answer, and the memory that it has then."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from tests.bench import servers
from tests.bench.table import Table

STARTS = 5
_BUNDLE = Path(__file__).resolve().parents[2] / "dist" / "gridbear" / "gridbear"


def section(folder: Path) -> str:
    """The table; the bundle's row is there where `dist/` holds one."""
    servers.new_folder(folder / "data")
    programs = [("source", [sys.executable, "-m", "gridbear_desktop"])]
    if _BUNDLE.exists():
        programs.append(("bundle", [str(_BUNDLE)]))
    rows = []
    for name, command in programs:
        times, memory = [], []
        for _ in range(STARTS):
            port = servers.free_port()
            began = time.perf_counter()
            process = servers.start_gridbear(folder / "data", port, command)
            servers.wait_for(port, "/healthz", process)
            times.append(time.perf_counter() - began)
            memory.append(servers.memory_megabytes(process))
            process.terminate()
            process.wait(20)
        rows.append([f"start from {name} to the first 200", f"{statistics.median(times):.2f} s", "≤ 1.0 s"])
        rows.append([f"idle memory, {name}", f"{statistics.median(memory):.0f} MB", "≤ 110 MB"])
    return Table([f"median of {STARTS}", "measured", "goal"], rows).markdown()
