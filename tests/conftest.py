"""A running server inside the test's own process, and people who may use it."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from server.access.actor import OWNER
from server.app import GridBearApp, create_app
from server.auth import passwords
from server.config import Settings
from server.data_folder import DataFolder
from server.db.storage import FreeBytes, free_bytes
from tests import order, soon

CONTROL_TOKEN = "the control token of the tests"
PASSWORD = "correct horse battery"
# No test may leave anything in the keychain of whoever runs it.
os.environ["GRIDBEAR_KEY_STORE"] = "file"
# Nor may the start files of their shell decide how long a test takes; those that are about shells name their own.
os.environ["SHELL"] = "/bin/false"
# Nor how busy the computer is whether examples pass.
settings.register_profile(
    "patient",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")
FOR_TESTS: dict[str, Any] = {
    "rest_rate_burst": 100_000,
    "key_store": "file",
    "storage_logs_stop_bytes": 0,
    "storage_read_only_bytes": 0,
    "request_log": "off",
}
"""Settings of every server in these tests: no limit of requests and no log of them, whatever the disk has left."""


class Bear:
    """One app that runs on a folder of its own."""

    def __init__(self, app: GridBearApp, base_path: str) -> None:
        self.app = app
        self.base_path = base_path
        self._stack = contextlib.AsyncExitStack()
        self.ids: dict[str, int] = {}

    async def client(self, address: str = "127.0.0.1", **headers: str) -> httpx2.AsyncClient:
        """A client without credentials that comes from `address`."""
        transport = httpx2.ASGITransport(self.app, client=(address, 5000), raise_app_exceptions=False)
        return await self._stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:8088{self.base_path}", headers=headers)
        )

    async def person(self, name: str, role: str = "member", scopes: list[str] | None = None) -> httpx2.AsyncClient:
        """A client of `name`, who is made if need be, with a token of `scopes` (api and mcp unless told)."""
        if name not in self.ids:
            user = await self.app.people.create_user(OWNER, name, PASSWORD, role=role)
            self.ids[name] = user["id"]
        token = (await self.app.people.create_token(name, scopes=scopes))["token"]
        return await self.client(authorization=f"Bearer {token}")

    async def signed_in(self, name: str, **headers: str) -> httpx2.AsyncClient:
        """A client of `name` with a session cookie."""
        client = await self.client(accept="application/json", **headers)
        answer = await client.post("/auth/login", data={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client


@contextlib.asynccontextmanager
async def running_bear(folder: Path, free: FreeBytes = free_bytes, **settings: Any) -> AsyncIterator[Bear]:
    """A running server on `folder`. A setting that is None is not given, so that records may decide it."""
    DataFolder(folder).open()
    given = {name: value for name, value in {**FOR_TESTS, **settings}.items() if value is not None}
    app = create_app(Settings(data_dir=folder, port=8088, **given), control_token=CONTROL_TOKEN, free=free)
    async with app.running():
        bear = Bear(app, settings.get("base_path", ""))
        async with bear._stack:
            yield bear


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order.longest_file_first(items)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector need not look through it again and again.

    Nor need it look as often as in a program that runs for weeks: an app comes and goes in each test.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def start_soon() -> Iterator[None]:
    """Servers of these tests begin with what one before them made; how a first start goes, tests/server/db asks."""
    with soon.quick_servers():
        yield


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with its least cost: a fresh person in each test would cost a tenth of a second."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    passwords._nobodys_hash.cache_clear()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    """A running server without anybody in it."""
    async with running_bear(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def admin(bear: Bear) -> httpx2.AsyncClient:
    return await bear.person("ada", "admin")


@pytest.fixture
async def member(bear: Bear, admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return await bear.person("max")


@pytest.fixture
async def other(bear: Bear, admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return await bear.person("olga")


@pytest.fixture
async def guest_role(bear: Bear, admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return await bear.person("gus", "guest")


@pytest.fixture
async def nobody(bear: Bear) -> httpx2.AsyncClient:
    """Without any credential."""
    return await bear.client()
