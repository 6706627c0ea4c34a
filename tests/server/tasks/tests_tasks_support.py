"""A queue of its own on a running server, people with tasks, and work that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.models.task import OPEN_STATES
from server.tasks.queue import Tasks
from server.tasks.report import Report
from tests.conftest import Bear


class Gate:
    """Work that waits until it is let through, and remembers who began."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun: list[Any] = []
        self.at_once = self.most = 0

    async def run(self, _actor: Actor, given: dict[str, Any], _report: Report) -> Any:
        self.begun.append(given.get("name"))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.open.wait()
        finally:
            self.at_once -= 1


def queue(bear: Bear) -> Tasks:
    """A queue beside the server's own, which knows none of its kinds."""
    return Tasks(bear.app.records, bear.app.settings, bear.app._bus)


async def person(bear: Bear, name: str) -> Actor:
    """A member who is signed in."""
    await bear.person("ada", "admin")
    await bear.person(name)
    return Actor(kind="user", user_id=bear.ids[name], username=name, role="member")


async def ended(bear: Bear, key: str) -> dict[str, Any]:
    """The task once it has ended: its changes are waited for."""
    return await until(bear, key, lambda row: row["status"] not in OPEN_STATES)


async def until(bear: Bear, key: str, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The task once it is as wanted."""
    changed = asyncio.Event()
    end = bear.app._bus.subscribe(lambda _event: changed.set(), ("tasks",))
    try:
        async with asyncio.timeout(30):
            while True:
                changed.clear()
                [row] = await bear.app.records.find(SYSTEM, "tasks", where={"key": key})
                if good(row):
                    return row
                await changed.wait()
    finally:
        end()
