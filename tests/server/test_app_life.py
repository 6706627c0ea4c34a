"""A restore starts the app again in the same process: nothing of the old one may stay."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from pathlib import Path

import psutil
import pytest

from server.app import GridBearApp
from tests.server.rest_api.tests_backup_support import house

pytestmark = pytest.mark.anyio
LIVES = 3


async def live(folder: Path) -> weakref.ref[GridBearApp]:
    """One life of an app, in which most of its parts do something."""
    async with house(folder) as home:
        await home.note("here")
        await home.titles()
        made = await home.backup()
        for address in (
            f"/api/v1/backups/{made['name']}/content", "/api/v1/notes/export?format=csv", "/api/openapi.json",
            "/api/v1/notes?q=here", "/api/v1/notes/aggregate", "/ui/main.js", "/api/v1/gateway",
        ):  # fmt: skip
            answer = await home.owner.get(address)
            assert answer.status_code == 200, (address, answer.text)
        sent = await home.owner.post("/api/v1/files?name=a.txt", content=b"a")
        assert sent.status_code == 201, sent.text
        rows = b'{"title": "imported"}\n'
        assert (await home.owner.post("/api/v1/notes/import?format=jsonl", content=rows)).status_code == 200
        return weakref.ref(home.bear.app)


async def test_nothing_of_an_app_outlives_it(tmp_path: Path) -> None:
    process = psutil.Process()
    # The first life fills caches of libraries and the loop's own threads, which stay.
    await live(tmp_path / "data")
    gc.collect()
    tasks, threads, files = len(asyncio.all_tasks()), _threads(), process.num_fds()
    old = [await live(tmp_path / "data") for _ in range(LIVES)]
    gc.collect()
    assert len(asyncio.all_tasks()) == tasks
    assert _threads() == threads
    assert process.num_fds() == files, process.open_files()
    assert [app() for app in old] == [None] * LIVES


def _threads() -> list[str]:
    # Those of the loop's own executor come as they are needed, up to their limit.
    return sorted(thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_"))
