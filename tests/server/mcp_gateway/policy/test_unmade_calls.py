"""Calls that are not made, for what is decided or fails in the same moment: what they use up, and what they count."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from test_approvals import APPROVALS, NEEDED, asked, call, decide, shop
from tests_shop_support import Shop

from server.access.actor import SYSTEM
from server.mcp_gateway.failures import UPSTREAM_FAILED
from server.mcp_gateway.upstreams.upstream import Upstream
from tests.conftest import Bear

__all__ = ["shop"]
pytestmark = pytest.mark.anyio
TINY = Path(__file__).parent.parent.joinpath("tiny_server.py")


class Program:
    """An MCP server, `shop`, whose program works or not."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.number = 0

    async def add(self, bear: Bear) -> Upstream:
        """Everybody may use it, whatever its tools are."""
        self.works(True)
        records = bear.app.records
        await records.create(SYSTEM, "settings", {"name": "mcp_tool_approval", "value": "false"})
        row = {"name": "shop", "transport": "stdio", "command": sys.executable, "args": [str(self._file)]}
        self.number = (await records.create(SYSTEM, "mcp_servers", {**row, "visibility": "everyone"}))["id"]
        [upstream] = bear.app.gateway.gateway._pool.servers()
        return upstream

    def works(self, so: bool) -> None:
        self._file.write_text(TINY.read_text("utf-8") if so else "raise SystemExit(3)", "utf-8")


@pytest.mark.parametrize("step", ["reveal", "update"])
async def test_an_approval_that_is_taken_back_while_its_call_comes_is_as_one_that_was_never_given(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    session = await bear.signed_in("max")
    number = await asked(member)
    await decide(session, number)
    records = bear.app.gateway.approvals._records
    go_on = getattr(records, step)

    async def overtaken(*given: Any, **named: Any) -> Any:
        if given[1] == "mcp_approvals":
            monkeypatch.undo()
            assert (await session.delete(f"{APPROVALS}/{number}")).status_code == 200
        return await go_on(*given, **named)

    monkeypatch.setattr(records, step, overtaken)
    assert await asked(member) != number
    assert shop.called == []


async def test_a_call_whose_server_can_not_be_started_leaves_its_approval_for_the_next_try(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path
) -> None:
    program = Program(tmp_path / "program.py")
    upstream = await program.add(bear)
    await bear.app.records.create(
        SYSTEM, "mcp_rules", {"subject": "everyone", "server_id": program.number, "effect": "ask"}
    )
    session = await bear.signed_in("max")
    number = await asked(member)
    await decide(session, number)
    await upstream.stop()
    program.works(False)
    assert (await call(member))["code"] == UPSTREAM_FAILED
    assert (await session.get(f"{APPROVALS}/{number}")).json()["data"]["status"] == "approved"
    program.works(True)
    upstream.forget_failures()
    assert await call(member) == "hi"
    assert (await session.get(f"{APPROVALS}/{number}")).json()["data"]["status"] == "used"
    assert (await call(member))["code"] == NEEDED


async def test_a_start_that_fails_is_one_failure_however_many_calls_waited_for_it(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path
) -> None:
    program = Program(tmp_path / "program.py")
    upstream = await program.add(bear)
    assert await call(member) == "hi"
    await upstream.stop()
    program.works(False)
    errors = await asyncio.gather(*(call(member) for _ in range(4)))
    assert ["could not be started" in error["message"] for error in errors] == [True] * 4
    # Those that come while it rests try nothing.
    errors = [await call(member) for _ in range(4)]
    assert {error["code"] for error in errors} == {UPSTREAM_FAILED}, "the circuit would be open for 30 s"
    for failure in ("second", "third"):
        upstream.supervisor.standing.forget()
        assert "could not be started" in (await call(member))["message"], failure
    assert upstream.requests.breaker.state(upstream.now()) == "open"
