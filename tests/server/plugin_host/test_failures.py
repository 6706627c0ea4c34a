"""What running plugins raise: counted, forgotten after a while, written down seldom, and who may end a plugin by it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.plugin_host.failures import Failures
from server.plugin_host.live import Failed
from server.plugin_host.running import RunningPlugins
from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import ROUTES, on, state, switch, write

pytestmark = pytest.mark.anyio


class Rows:
    """Takes down what is written."""

    def __init__(self) -> None:
        self.written: list[tuple[str, int]] = []

    async def __call__(self, plugin_id: str, failure: Failed, more: int) -> None:
        self.written.append((failure.message, more))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_failures_are_forgotten_after_the_window() -> None:
    clock = Clock()
    failures = Failures(Rows(), clock, window=600.0)
    assert [await failures.add("weather", Failed("x")) for _ in range(2)] == [1, 2]
    clock.now = 601.0
    assert [await failures.add("weather", Failed("x")) for _ in range(3)] == [1, 2, 3]
    await failures.close()


async def test_a_flood_of_failures_is_few_writes_and_none_is_lost() -> None:
    rows = Rows()
    failures = Failures(rows, Clock())
    for number in range(100):
        await failures.add("weather", Failed(str(number)))
    assert rows.written == [("0", 1)]
    await failures.close()
    assert rows.written == [("0", 1), ("99", 99)]


async def test_what_came_in_the_pause_is_written_after_it() -> None:
    rows = Rows()
    failures = Failures(rows, Clock(), pause=0.0)
    for _ in range(3):
        await failures.add("weather", Failed("x"))
    async with asyncio.timeout(5):
        while sum(more for _, more in rows.written) < 3:
            await asyncio.sleep(0)
    await failures.close()


async def test_what_does_not_count_is_told_all_the_same() -> None:
    rows = Rows()
    failures = Failures(rows, Clock())
    assert [await failures.add("weather", Failed("x"), counts=False) for _ in range(10)] == [0] * 10
    await failures.close()
    assert sum(more for _, more in rows.written) == 10


async def test_nobody_without_sign_in_ends_a_plugin(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.host.FAILURES_TO_SWITCH_OFF", 3)
    write(folder, "open", routes=ROUTES, public_api=True)
    await on(ada, "open")
    nobody = await house.client()
    for _ in range(10):
        assert (await nobody.get("/api/open/fails")).status_code == 500
    row = await state(ada, "open")
    assert (row["enabled"], row["state"], row["failures"]) == (True, "on", 1)
    assert "private detail" in row["traceback"]
    for _ in range(3):
        await ada.get("/api/open/fails")
    row = await state(ada, "open")
    assert (row["enabled"], row["failures"]) == (False, 13)


async def test_a_plugin_that_is_switched_on_again_begins_anew(
    ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.host.FAILURES_TO_SWITCH_OFF", 3)
    write(folder, "raising", routes=ROUTES)
    for _ in range(2):
        await on(ada, "raising")
        for _ in range(2):
            await ada.get("/api/raising/fails")
        assert (await switch(ada, "raising", "disable")).json()["data"]["failures"] == 2


async def test_looking_at_a_plugin_starts_no_failed_one_again(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    code = f"with open({str(runs)!r}, 'a') as file:\n    file.write('x')\nraise RuntimeError('no')\n"
    write(folder, "breaks", models=code)
    await on(ada, "breaks")
    write(folder, "works")
    told = [(await ada.get(f"/api/v1/plugins/{name}/manifest")).json()["data"] for name in ("breaks", "works")] * 2
    assert "RuntimeError: no" in told[0]["error"] and told[1]["error"] is None
    assert runs.read_text() == "x"
    await switch(ada, "breaks", "reload")
    assert runs.read_text() == "xx"


async def test_what_waited_for_a_plugin_starts_when_that_comes(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, tmp_path: Path
) -> None:
    base = write(folder, "base")
    write(folder, "top", dependencies=["base"])
    for name in ("base", "top"):
        await on(ada, name)
    base.rename(tmp_path / "base")
    await house.app.plugins.rescan()
    assert (await state(ada, "base"))["state"] == "missing"
    row = await state(ada, "top")
    assert row["state"] == "failed" and "'base'" in row["error"]
    (tmp_path / "base").rename(base)
    await house.app.plugins.rescan()
    assert [(await state(ada, name))["state"] for name in ("base", "top")] == ["on", "on"]


async def test_a_plugin_that_is_mended_while_it_is_given_up_stays_on(
    house: Bear, ada: httpx2.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.plugin_host.host.FAILURES_TO_SWITCH_OFF", 3)
    write(folder, "raising", routes=ROUTES)
    await on(ada, "raising")
    end, fails = RunningPlugins.end, ada.get("/api/raising/fails")
    failed: list[asyncio.Task[httpx2.Response]] = []

    async def and_fails_meanwhile(*given: Any, **more: Any) -> Any:
        # The reload has the lock; so the plugin is given up once it lets go.
        monkeypatch.setattr(RunningPlugins, "end", end)
        add, counted = house.app.plugins._running.failures.add, asyncio.Event()

        async def told(*about: Any, **rest: Any) -> int:
            count = await add(*about, **rest)
            counted.set()
            return count

        monkeypatch.setattr(house.app.plugins._running.failures, "add", told)
        failed.append(asyncio.ensure_future(fails))
        await counted.wait()
        return await end(*given, **more)

    for _ in range(2):
        await ada.get("/api/raising/fails")
    monkeypatch.setattr(RunningPlugins, "end", and_fails_meanwhile)
    write(folder, "raising", routes=ROUTES.replace('raise RuntimeError("private detail")', "return {}"))
    assert (await switch(ada, "raising", "reload")).status_code == 200
    assert (await failed[0]).status_code == 500
    row = await state(ada, "raising")
    assert (row["enabled"], row["state"], row["error"]) == (True, "on", None)
    assert (await ada.get("/api/raising/fails")).status_code == 200
