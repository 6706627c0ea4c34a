"""What a server was seen to offer is known, also when who asked for it is gone before it is stored."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from tests_shifty_support import definition

from server.access.actor import SYSTEM
from server.mcp_gateway.upstreams.config import ServerConfig
from tests.conftest import Bear

pytestmark = pytest.mark.anyio


async def given_up(monkeypatch: pytest.MonkeyPatch, holder: Any, write: str, learning: Any) -> None:
    """Cancel `learning` once what it `write`s is on its way, as a restart of the server does."""
    task = asyncio.ensure_future(learning)
    go_on = getattr(holder, write)

    async def overtaken(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        asyncio.get_running_loop().call_soon(task.cancel)
        return await go_on(*given, **named)

    monkeypatch.setattr(holder, write, overtaken)
    with pytest.raises(asyncio.CancelledError):
        await task


async def configured(bear: Bear) -> ServerConfig:
    row = {"name": "far", "transport": "http", "url": "https://far/mcp"}
    return ServerConfig.of(await bear.app.records.create(SYSTEM, "mcp_servers", row))


async def test_tools_whose_learning_was_given_up_are_known_and_can_be_learned_again(
    bear: Bear, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config, catalogue = await configured(bear), bear.app.gateway.catalogue
    tools = [definition(name) for name in ("one", "two", "three")]
    await given_up(monkeypatch, catalogue._records, "work", catalogue.learned(config, tools, None, None, again=False))
    # What is written next is written after it.
    await bear.app.records.create(SYSTEM, "notes", {"title": "later"})
    assert len(bear.app.records.all_now(SYSTEM, "mcp_tools")) == 3
    assert sorted(catalogue.of(config.id)) == ["one", "three", "two"]
    await catalogue.learned(config, [*tools, definition("four")], None, None, again=True)
    assert len(catalogue.of(config.id)) == 4
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_an_offer_whose_learning_was_given_up_is_known_and_can_be_learned_again(
    bear: Bear, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, offers = await configured(bear), bear.app.gateway.catalogue.offers
    await given_up(monkeypatch, offers._records, "create", offers.learned(config, capabilities=["tools"]))
    await bear.app.records.create(SYSTEM, "notes", {"title": "later"})
    await offers.learned(config, prompts=[{"name": "greet"}])
    known = offers.of(config)
    assert known is not None and known.capabilities == {"tools"} and known.lists["prompts"] == [{"name": "greet"}]
