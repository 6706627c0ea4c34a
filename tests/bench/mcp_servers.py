"""Endpoints that are compared: the upstream itself, our gateway, FastMCP's proxy, ContextForge."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.bench import servers
from tests.bench.mcp_requests import LEGACY, Asked

UPSTREAM = Path(__file__).with_name("mcp_upstream.py")
PEERS = Path(__file__).resolve().parents[2] / ".dev" / "peers"
PIPED = [sys.executable, str(UPSTREAM), "stdio"]
"""The upstream over pipes, by the SDK that we use: it speaks both eras."""
OLDER = [str(PEERS / "mcp1" / "bin" / "python"), str(UPSTREAM), "stdio"]
"""The same by SDK 1.x, as most servers are today: it speaks 2025-11-25 alone. Not everywhere installed."""
_LIMITS = {"GRIDBEAR_MCP_RATE_PER_MINUTE": "1000000", "GRIDBEAR_MCP_RATE_BURST": "1000000"}
_PROXY = """
import sys
from fastmcp.server import create_proxy
create_proxy(sys.argv[1]).run(transport="http", host="127.0.0.1", port=int(sys.argv[2]), show_banner=False)
"""
_FORGE_USER, _FORGE_KEY = "ada@example.com", "a key of the bench that is long enough for everybody"


@contextlib.contextmanager
def started(command: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens on `port`, until the end of the context."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def upstream() -> Iterator[Asked]:
    """The upstream by HTTP."""
    port = servers.free_port()
    with started([sys.executable, str(UPSTREAM), "http", str(port)], port):
        yield Asked("direct", port, "/mcp", "echo")


@contextlib.contextmanager
def gridbear(folder: Path, *rows: dict[str, object]) -> Iterator[tuple[Asked, subprocess.Popen[bytes]]]:
    """Our gateway with these servers, asked by a member; everything on, the limit per person set high."""
    [token] = servers.new_folder(folder, ("max",))
    admin = servers.new_token(folder, "ada")
    port = servers.free_port()
    os.environ |= _LIMITS
    process = servers.start_gridbear(folder, port)
    try:
        servers.wait_for(port, "/healthz", process)
        for row in rows:
            servers.call(port, "POST", "/api/v1/mcp_servers", {"visibility": "everyone", **row}, admin)
        yield Asked("GridBear", port, "/mcp", f"{rows[0]['name']}__echo", token), process
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def least_relay() -> Iterator[Asked]:
    """The least that can stand before the upstream's pipes."""
    port = servers.free_port()
    with started([sys.executable, "-m", "tests.bench.mcp_relay", str(port)], port):
        yield Asked("the least relay", port, "/mcp", "echo")


@contextlib.contextmanager
def fastmcp(url: str) -> Iterator[Asked | None]:
    """FastMCP's proxy in front of `url`; None where it is not installed."""
    python = PEERS / "fastmcp" / "bin" / "python"
    if not python.exists():
        yield None
        return
    port = servers.free_port()
    with started([str(python), "-c", _PROXY, url, str(port)], port):
        yield Asked("FastMCP proxy", port, "/mcp", "echo")


@contextlib.contextmanager
def contextforge(folder: Path, url: str) -> Iterator[Asked | None]:
    """ContextForge in front of `url`, with its own login on and plugins and pages off; None: not installed."""
    programs = PEERS / "contextforge" / "bin"
    if not (programs / "mcpgateway").exists():
        yield None
        return
    environment = {
        "DATABASE_URL": f"sqlite:///{folder / 'forge.db'}", "JWT_SECRET_KEY": _FORGE_KEY,
        "AUTH_ENCRYPTION_SECRET": _FORGE_KEY[::-1], "PLATFORM_ADMIN_EMAIL": _FORGE_USER,
        "PLATFORM_ADMIN_PASSWORD": "A-calm-bear-9", "BASIC_AUTH_PASSWORD": "A-calm-bear-9",
        "MCPGATEWAY_UI_ENABLED": "false", "PLUGINS_ENABLED": "false", "CACHE_TYPE": "memory", "LOG_LEVEL": "ERROR",
        "RATE_LIMITING_ENABLED": "false", "TOOL_RATE_LIMIT": "1000000",
        "SSRF_ALLOW_LOCALHOST": "true", "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
    }  # fmt: skip
    port = servers.free_port()
    command = [str(programs / "mcpgateway"), "mcpgateway.main:app", "--host", "127.0.0.1", "--port", str(port)]
    with started(command, port, **environment):
        made = [str(programs / "python"), "-m", "mcpgateway.utils.create_jwt_token", "--username", _FORGE_USER]
        made += ["--exp", "10080", "--secret", _FORGE_KEY]
        token = subprocess.run(
            made, env={**os.environ, **environment}, capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        row = {"name": "up", "url": url, "transport": "STREAMABLEHTTP"}
        servers.call(port, "POST", "/gateways", row, token)
        yield Asked("ContextForge", port, "/mcp/", "up-echo", token, (LEGACY,))


def _wait(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/mcp", json.dumps({}).encode())
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            urllib.request.urlopen(asked, timeout=5).close()
            return
        except urllib.error.HTTPError as refused:
            refused.close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("no answer")
