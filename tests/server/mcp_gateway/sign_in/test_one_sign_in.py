"""Of one person, or of everybody, there is one sign-in at a server, however many end at once."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from server.access.actor import SYSTEM
from server.mcp_gateway.sign_in.flow import Flow
from server.mcp_gateway.sign_in.sign_ins import SignIns, _Open
from server.mcp_gateway.sign_in.tokens import Tokens
from server.mcp_gateway.upstreams.config import ServerConfig
from tests.conftest import Bear

pytestmark = pytest.mark.anyio


class Allowed:
    """A flow to which the person said yes."""

    def __init__(self, access: str) -> None:
        self._tokens = Tokens(access, None, None, "https://far/token", None, None, "us", None, None)

    def answered(self, *_came_back: Any) -> None:
        """Nothing is left to be asked."""

    async def result(self, _seconds: float) -> tuple[Tokens, str, list[str]]:
        return self._tokens, "https://far", []


@pytest.mark.parametrize("replaces", [False, True])
async def test_of_two_sign_ins_that_end_at_once_the_last_one_is_kept_alone(bear: Bear, replaces: bool) -> None:
    records, sign_ins = bear.app.records, SignIns(bear.app.records)
    row = {"name": "far", "transport": "http", "url": "https://far/mcp"}
    config = ServerConfig.of(await records.create(SYSTEM, "mcp_servers", row))

    async def allowed(state: str) -> str:
        flow = cast(Flow, Allowed(state))
        sign_ins._open[state] = _Open(flow, config.id, "far", None, None, float("inf"))
        return await sign_ins.finish(state, "code", None, None)

    if replaces:
        await allowed("before")
    assert await asyncio.gather(allowed("one"), allowed("other")) == ["far", "far"]
    rows = await records.find(SYSTEM, "mcp_sign_ins")
    assert len(rows) == 1, "signing out would leave the other one in force"
    kept = Tokens.of_text((await records.reveal(SYSTEM, "mcp_sign_ins", rows[0]["id"]))["tokens"])
    assert kept.access_token == "other"
