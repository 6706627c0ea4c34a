"""The conformance suite of the protocol, run against an address; its checks that failed, by name."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

_SUITE = "node_modules/@modelcontextprotocol/conformance"
_SECONDS = 100


async def failures(node: str, peers: Path, url: str, revision: str, folder: Path) -> set[str]:
    """`scenario: check` of each check of `revision` that failed. Raises AssertionError when the suite did not run.

    Unscored scenarios are among them: a server of the suite's own fixture passes most of those too.
    """
    command = [node, str(peers / _SUITE / "dist" / "index.js"), "server", "--url", url]
    command += ["--requirements", revision, "-o", str(folder)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        async with asyncio.timeout(_SECONDS):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert b"Total:" in printed, printed.decode()[-3000:]
    found = {path.parent.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*/checks.json")}
    assert len(found) >= 30, sorted(found)
    return {f"{_scenario(name)}: {check['id']}" for name, checks in found.items() for check in checks if _failed(check)}


def _scenario(folder: str) -> str:
    # server-NAME-2026-11-28T14-55-11-983Z
    return folder.removeprefix("server-").rpartition("T")[0][:-11]


def _failed(check: dict[str, Any]) -> bool:
    return bool(check["status"] == "FAILURE")
