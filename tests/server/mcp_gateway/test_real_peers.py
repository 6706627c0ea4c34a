"""Clients and servers that people use, through the gateway. `packaging/dev.py test` installs them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from tests_mcp_support import House
from tests_peers_support import PEERS, free_port, listening, needs, node, served

from server.mcp_gateway import gateway

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
HERE = Path(__file__).parent / "peers"
NPM = PEERS / "npm"
SCRIPTS = NPM / "node_modules" / ".bin"
CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("everything__echo", {"message": "over pipes"}, "over pipes"),
    ("everything-http__echo", {"message": "over HTTP"}, "over HTTP"),
    ("everything-sse__echo", {"message": "over SSE"}, "over SSE"),
    ("files__list_directory", {"path": "."}, "hello.txt"),
    ("memory__read_graph", {}, "entities"),
    (
        "thinking__sequentialthinking",
        {"thought": "so", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1},
        "thoughtNumber",
    ),
    ("git__git_status", {"repo_path": "."}, "hello.txt"),
    ("time__get_current_time", {"timezone": "UTC"}, "UTC"),
    ("fetch__fetch", {"url": "http://127.0.0.1:9/"}, ""),
    ("sqlite__list_tables", {}, "["),
]


async def add_servers(house: House, folder: Path, stack: contextlib.AsyncExitStack) -> None:
    """The ten servers of CALLS, all but the sign-in that none of them has."""
    programs, sqlite, run = needs("servers") / "bin", needs("mcp1") / "bin", node()
    repository = folder / "repository"
    repository.mkdir()
    (repository / "hello.txt").write_text("hello")
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    everything = str(SCRIPTS / "mcp-server-everything")
    http, sse = free_port(), free_port()
    await stack.enter_async_context(listening([run, everything, "streamableHttp"], http, PORT=str(http)))
    await stack.enter_async_context(listening([run, everything, "sse"], sse, PORT=str(sse)))
    commands: dict[str, list[str]] = {
        "everything": [run, everything],
        "files": [run, str(SCRIPTS / "mcp-server-filesystem"), str(repository)],
        "memory": [run, str(SCRIPTS / "mcp-server-memory")],
        "thinking": [run, str(SCRIPTS / "mcp-server-sequential-thinking")],
        "git": [str(programs / "mcp-server-git"), "--repository", str(repository)],
        "time": [sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC"],
        "fetch": [str(programs / "mcp-server-fetch"), "--ignore-robots-txt"],
        "sqlite": [str(sqlite / "mcp-server-sqlite"), "--db-path", str(folder / "peers.db")],
    }
    for name, (command, *args) in commands.items():
        env = {"MEMORY_FILE_PATH": str(folder / "memory.json")} if name == "memory" else {}
        await house.add(
            name, command=command, args=args, cwd=str(repository), env=env, visibility="everyone"
        )  # fmt: skip
    for name, transport, port in (("everything-http", "http", http), ("everything-sse", "sse", sse)):
        path = "mcp" if transport == "http" else "sse"
        url = f"http://127.0.0.1:{port}/{path}"
        await house.add(name, transport=transport, url=url, visibility="everyone")


async def outcome(command: list[str], cwd: Path | None = None) -> str:
    """What a client prints."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    return out.decode()


def as_script(script: str) -> Callable[[str, str, str], tuple[list[str], Path | None]]:
    def command(url: str, token: str, calls: str) -> tuple[list[str], Path | None]:
        if script.endswith(".py"):
            return [str(needs("mcp1") / "bin" / "python"), str(HERE / script), url, token, calls], None
        # Evaluated in the peers' folder, so that it finds their packages.
        text = (HERE / script).read_text("utf-8")
        return [node(), "--input-type=module", "-e", text, "--", url, token, calls], NPM

    return command


@pytest.mark.parametrize("script", ["client_mcp1.py", "client_sdk1.mjs", "client_v2.mjs"])
async def test_a_client_of_others_uses_servers_of_others(
    make_house: MakeHouse, tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All of them start with the first list, which on a busy computer takes longer than anybody should wait for it.
    monkeypatch.setattr(gateway, "LIST_WAIT_SECONDS", 60.0)
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(make_house(port=(port := free_port())))
        await add_servers(house, tmp_path, stack)
        url = await stack.enter_async_context(served(house.app, port))
        calls = json.dumps([[name, given] for name, given, _ in CALLS])
        found = json.loads(await outcome(*as_script(script)(url, house.tokens["bob"], calls)))
        assert {name for name, *_ in CALLS} <= set(found["tools"])
        check([json.dumps(answer) for answer in found["answers"]])


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_python_sdk_2_uses_servers_of_others(make_house: MakeHouse, tmp_path: Path, mode: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(make_house(port=(port := free_port())))
        await add_servers(house, tmp_path, stack)
        url = await stack.enter_async_context(served(house.app, port))
        http = await stack.enter_async_context(house.http("bob"))
        real = await stack.enter_async_context(type(http)(headers=http.headers, timeout=30))
        async with Client(streamable_http_client(url, http_client=real), mode=mode, cache=None) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert {name for name, *_ in CALLS} <= tools
            check([(await client.call_tool(name, given)).model_dump_json() for name, given, _ in CALLS])


async def test_the_inspector_uses_servers_of_others(make_house: MakeHouse, tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(make_house(port=(port := free_port())))
        await add_servers(house, tmp_path, stack)
        url = await stack.enter_async_context(served(house.app, port))
        inspect = [node(), str(SCRIPTS / "mcp-inspector"), "--cli", url, "--header"]
        inspect += [f"Authorization: Bearer {house.tokens['bob']}", "--format", "json"]
        listed = await outcome([*inspect, "--method", "tools/list"], NPM)
        assert {name for name, *_ in CALLS} <= {tool["name"] for tool in json.loads(listed)["result"]["tools"]}
        for server in ("everything", "everything-sse"):
            calling = ["--method", "tools/call", "--tool-name", f"{server}__echo", "--tool-arg", "message=inspected"]
            assert "inspected" in await outcome([*inspect, *calling], NPM)


def check(answers: list[str]) -> None:
    """Each answer has what its server must say; fetch refuses addresses of this computer, as an error of the tool."""
    assert len(answers) == len(CALLS)
    for (name, _, wanted), answer in zip(CALLS, answers, strict=True):
        assert wanted in answer, (name, answer)
        flat = answer.replace(" ", "").lower()
        failed = '"iserror":true' in flat or '"is_error":true' in flat
        assert failed == (name == "fetch__fetch"), (name, answer)
