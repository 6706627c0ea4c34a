"""Starting programs: where they are found, what they inherit, and what everybody sees when they can't be started."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from tests_mcp_support import UPSTREAM, House, call_text

from server.mcp_gateway.upstreams import upstream
from tests.server.mcp_gateway.upstreams.test_programs import put

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
OURS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "_MEIPASS2", "_PYI_ARCHIVE_FILE",
        "GRIDBEAR_INTERNAL_API_SECRET", "AWS_SECRET_ACCESS_KEY")  # fmt: skip


def python_source(text: str) -> list[str]:
    return ["-c", text]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it, and the environment of a program that a desktop started."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("SHELL", "/bin/sh")
    return home


async def test_an_npx_server_under_nvm_works_at_the_first_try(
    make_house: MakeHouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is fetched here, but a busy computer may take long to start a program.
    monkeypatch.setattr(upstream, "_INSTALLING_WAIT_SECONDS", 20.0)
    folder = home / ".nvm" / "versions" / "node" / "v22.1.0" / "bin"
    put(folder / "node", f'#!/bin/sh\nexec {sys.executable} {UPSTREAM} stdio "$@"\n')
    npx = put(folder / "npx", "#!/usr/bin/env node\n")
    async with make_house() as house:
        await house.add("up", command="npx", args=["-y", "some-server"], visibility="everyone")
        async with house.mcp("ann") as client:
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
        state = await house.state("up")
        assert (state["state"], state["found_at"]) == ("ready", str(npx))
        assert (await house.state("up", "bob"))["found_at"] is None


async def test_nothing_of_our_own_environment_reaches_a_program(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OURS:
        monkeypatch.setenv(name, "/bundle")
    async with make_house() as house:
        await house.add("up", env={"MINE": "1"})
        async with house.mcp("ann") as client:
            names = set((await call_text(client, "up__environment", {})).split())
    assert {"MINE", "PATH", "HOME"} <= names
    assert not names & set(OURS)


async def test_a_program_that_is_missing_is_named_and_admins_hear_what_to_do(make_house: MakeHouse, home: Path) -> None:
    async with make_house() as house:
        await house.add("missing", command="no-such-uvx", visibility="everyone")
        await house.add("up", visibility="everyone")
        async with house.mcp("bob") as client:
            with pytest.raises(MCPError, match="The program no-such-uvx was not found") as told:
                await client.call_tool("missing__anything", {})
            assert "Looked in" not in told.value.message, "folders of the owner are nobody else's business"
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
        error = (await house.state("missing"))["error"]
        assert "Looked in /usr" in error and "Install no-such-uvx" in error
        assert (await house.state("missing", "bob"))["error"] == "It could not be started."


async def test_a_program_that_was_written_for_an_older_sdk_gets_a_pin_suggested(make_house: MakeHouse) -> None:
    dies = "import sys; sys.exit(\"AttributeError: 'Server' object has no attribute 'list_resources'\")"
    async with make_house() as house:
        await house.add("old", command=sys.executable, args=python_source(dies))
        await house.add("up")
        async with house.mcp("ann") as client:
            with pytest.raises(MCPError, match="could not be started"):
                await client.call_tool("old__anything", {})
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
        state = await house.state("old")
        assert "--with and mcp<2" in state["error"]
        assert "list_resources" in state["stderr"][-1]


async def test_garbage_on_stdout_is_shown_and_a_server_that_speaks_between_it_works(make_house: MakeHouse) -> None:
    chatty = f"print('Welcome to chatty!', flush=True); import runpy, sys; sys.argv = ['x', 'stdio']; \
runpy.run_path({str(UPSTREAM)!r}, run_name='__main__')"
    async with make_house() as house:
        await house.add("chatty", command=sys.executable, args=python_source(chatty))
        async with house.mcp("ann") as client:
            assert await call_text(client, "chatty__echo", {"text": "hi"}) == "hi"
            assert "stdout: Welcome to chatty!" in (await house.state("chatty"))["stderr"]


async def test_a_slow_login_shell_takes_nothing_from_the_time_that_a_server_has_to_start(
    make_house: MakeHouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")
    put(home / ".bash_profile", "sleep 8.2\n")
    async with make_house(mcp_start_timeout_seconds=8) as house:
        await house.add("up", command=sys.executable, args=[str(UPSTREAM), "stdio"], visibility="everyone")
        async with house.mcp("ann") as client:
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"


async def test_a_program_that_is_no_mcp_server_is_told_apart_by_what_it_prints(make_house: MakeHouse) -> None:
    silent = "print('Usage: x', flush=True); import time; time.sleep(600)"
    async with make_house(mcp_start_timeout_seconds=3) as house:
        await house.add("garbage", command=sys.executable, args=python_source(silent))
        async with house.mcp("ann") as client:
            with pytest.raises(MCPError, match="not ready within 3 s"):
                await client.call_tool("garbage__anything", {})
        assert "no MCP; they belong on stderr" in (await house.state("garbage"))["error"]


async def test_a_start_that_never_ends_delays_no_other_server_and_ends_at_its_limit(make_house: MakeHouse) -> None:
    hangs = "import time; time.sleep(600)"
    async with make_house(mcp_start_timeout_seconds=6) as house:
        await house.add("hangs", command=sys.executable, args=python_source(hangs))
        await house.add("up")
        async with house.mcp("ann") as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert "up__echo" in names and not any(name.startswith("hangs") for name in names)
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
            with pytest.raises(MCPError, match="not ready within 6 s"):
                await client.call_tool("hangs__anything", {})
        state = await house.state("hangs")
        assert state["state"] == "failed"
        assert "not ready within 6 s (mcp_start_timeout_seconds)" in state["error"]


async def test_after_failures_in_a_row_a_server_waits_for_a_person(make_house: MakeHouse) -> None:
    async with make_house(mcp_failures_allowed=1) as house:
        server = await house.add("dies", command=sys.executable, args=python_source("raise SystemExit(3)"))
        async with house.mcp("ann") as client:
            with pytest.raises(MCPError, match="left alone until an admin") as told:
                await client.call_tool("dies__anything", {})
            assert told.value.data["state"] == "needs_attention"
            assert (await house.state("dies"))["state"] == "needs_attention"
            async with house.http("ann") as http:
                again = (await http.post(f"/api/v1/gateway/{server}/restart")).json()["data"]
            assert again["state"] == "needs_attention", "it was tried once more"
            mended = {"args": [str(UPSTREAM), "stdio"]}
            async with house.http("ann") as http:
                assert (await http.patch(f"/api/v1/mcp_servers/{server}", json=mended)).status_code == 200
            assert await call_text(client, "dies__echo", {"text": "hi"}) == "hi"


async def test_a_first_start_that_fetches_the_program_holds_up_no_list_and_ends_ready(
    make_house: MakeHouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = home / "go"
    put(
        home / ".local" / "bin" / "uvx",
        f'#!/bin/sh\necho "Downloading some-server" >&2\nuntil [ -e {go} ]; do sleep 0.05; done\n'
        f"exec {sys.executable} {UPSTREAM} stdio\n",
    )
    async with make_house(mcp_start_timeout_seconds=20) as house:
        await house.add("up")
        async with house.mcp("ann") as client:
            assert await call_text(client, "up__echo", {"text": "hi"}) == "hi"
            await house.add("slow", command="uvx", args=["some-server"])
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert "up__echo" in names and "slow__echo" not in names
            assert (await house.state("slow"))["state"] == "installing"
            with pytest.raises(MCPError) as early:
                await client.call_tool("slow__echo", {"text": "hi"})
            assert early.value.message == "The MCP server slow is still being installed. Try again in 5 s."
            assert early.value.error.data == {"server": "slow", "state": "installing", "retry_after": 5.0}
            go.touch()
            monkeypatch.setattr(upstream, "_INSTALLING_WAIT_SECONDS", 20.0)
            assert await call_text(client, "slow__echo", {"text": "hi"}) == "hi"
            assert (await house.state("slow"))["state"] == "ready"
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert "slow__echo" in names
