"""Programs of others that `packaging/dev.py test` installs, and what they need to meet the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp

from gridbear_desktop.http_protocol import PatientProtocol

PEERS = Path(__file__).resolve().parents[3] / ".dev" / "peers"


def needs(name: str) -> Path:
    """The place of a peer; skips the test, naming it, where it is not installed."""
    if not (PEERS / name / "gridbear-stamp").exists():
        pytest.skip(f"the peers {name} are not installed (packaging/dev.py test installs them)")
    return PEERS / name


def node() -> str:
    """Node 22 of the peers, which the newer programs want."""
    found = sorted(needs("npm").glob("node_modules/node-*/bin/node"))
    if not found:
        pytest.skip("the peers have no Node for this system")
    return str(found[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def listening(command: list[str], port: int, **environment: str) -> AsyncIterator[None]:
    """A program that listens on `port`."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment}, **quiet)
    try:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    await writer.wait_closed()
                    break
                await asyncio.sleep(0.05)
        yield
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def served(app: ASGIApp, port: int) -> AsyncIterator[str]:
    """The application on a port, for clients in other processes."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, http=PatientProtocol, lifespan="off", log_config=None, ws="none")
    )
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.should_exit = True
        await task
