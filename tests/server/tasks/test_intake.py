"""Tasks on their way into the file: a person's limit holds however many come at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.access.actor import Actor
from server.errors import RateLimited
from server.tasks.kinds import Kind
from server.tasks.report import Report
from tests.conftest import running_bear
from tests.server.tasks.tests_tasks_support import person, queue

pytestmark = pytest.mark.anyio


async def test_of_many_tasks_that_come_at_once_no_more_are_taken_than_a_person_may_have(tmp_path: Path) -> None:
    async with running_bear(tmp_path, tasks_open_per_person=3) as bear:
        max_, olga = await person(bear, "max"), await person(bear, "olga")
        tasks = queue(bear)

        async def wait(_actor: Actor, _given: dict[str, Any], _report: Report) -> None:
            await asyncio.Event().wait()

        tasks.register(Kind("wait", wait))
        asked = [tasks.submit(actor, "wait", "Wait", {}) for actor in [max_] * 8 + [olga] * 2]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert [type(one) for one in refused] == [RateLimited] * 5
        assert ((await tasks.listed(max_))[1], (await tasks.listed(olga))[1]) == (3, 2)
        await tasks.stop()
