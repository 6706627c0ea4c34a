"""A data folder whose server starts again as a restore asks for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

from tests.conftest import CONTROL_TOKEN, Bear, running_bear

URL = "/api/v1/backups"


class House:
    """`owner` is a client with the control token, which every start knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.restarts = 0
        self.bear: Bear
        self.owner: httpx2.AsyncClient
        self._stack = contextlib.AsyncExitStack()

    async def start(self, **settings: Any) -> None:
        self.bear = await self._stack.enter_async_context(running_bear(self.folder, **settings))
        self.bear.app.when_restart_is_asked = self._asked
        self.owner = await self.bear.client(authorization=f"Bearer {CONTROL_TOKEN}")

    async def stop(self) -> None:
        await self._stack.aclose()

    async def start_again(self) -> None:
        await self.stop()
        await self.start()

    async def backup(self, **options: Any) -> dict[str, Any]:
        answer = await self.owner.post(URL, json={"without_phrase": True, **options})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()["data"]
        return made

    async def restore(self, name: str, **options: Any) -> dict[str, Any]:
        """Restore and start again. Returns the status afterwards."""
        before = self.restarts
        answer = await self.owner.post(f"{URL}/{name}/restore", json=options)
        assert answer.status_code == 202, answer.text
        assert self.restarts == before + 1
        await self.start_again()
        return await self.status()

    async def undo(self, **options: Any) -> dict[str, Any]:
        answer = await self.owner.post(f"{URL}/restore/undo", json=options)
        assert answer.status_code == 202, answer.text
        await self.start_again()
        return await self.status()

    async def status(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.owner.get(f"{URL}/status")).json()["data"]
        return found

    async def note(self, title: str) -> None:
        answer = await self.owner.post("/api/v1/notes", json={"title": title})
        assert answer.status_code == 201, answer.text

    async def titles(self) -> list[str]:
        return [row["title"] for row in (await self.owner.get("/api/v1/notes?sort=id")).json()["data"]]

    def _asked(self) -> None:
        self.restarts += 1


@contextlib.asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    home = House(folder)
    await home.start()
    try:
        yield home
    finally:
        await home.stop()
