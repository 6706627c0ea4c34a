"""Work whose token ends without anybody being told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden
from server.events.bus import Bus
from server.tasks.acting import kept
from server.tasks.report import Report
from server.tasks.welcome import Welcome
from tests.conftest import Bear
from tests.server.tasks.tests_tasks_support import person

pytestmark = pytest.mark.anyio
PAST = "2026-01-01T00:00:00.000000Z"


async def test_work_ends_when_the_time_of_the_token_that_asked_for_it_is_up(bear: Bear) -> None:
    max_ = await person(bear, "max")
    token = (await bear.app.people.create_token("max"))["id"]
    begun = asyncio.Event()

    async def work(_actor: Actor, _given: dict[str, Any], _report: Report) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def store(_changes: dict[str, Any]) -> None:
        """Nothing is reported."""

    # Nothing is told on this bus.
    welcome = Welcome(bear.app.records, Bus(), look_seconds=0.01)
    acting = kept(replace(max_, kind="token", credential_id=token))
    working = asyncio.create_task(welcome.work(max_.user_id, acting, work, {}, Report(store)))
    async with asyncio.timeout(30):
        await begun.wait()
        await bear.app.records.update(SYSTEM, "api_tokens", token, {"expires_at": PAST})
        with pytest.raises(Forbidden, match="has expired"):
            await working
    assert not working.cancelled()
