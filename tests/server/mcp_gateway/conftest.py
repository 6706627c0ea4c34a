"""A whole application in this process for each test that wants one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests_mcp_support import PASSWORD, House

from server.access.actor import OWNER
from server.app import create_app
from server.config import Settings


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_house(tmp_path: Path) -> Callable[..., contextlib.AbstractAsyncContextManager[House]]:
    """`make_house(**settings)`: an application that runs inside the context; with `again` on the data of the last."""
    tokens: dict[str, str] = {}

    @contextlib.asynccontextmanager
    async def make(*, again: bool = False, **settings: Any) -> AsyncIterator[House]:
        app = create_app(Settings(data_dir=tmp_path, key_store="file", **settings))
        async with app.running():
            for name, role in () if again else (("ann", "admin"), ("bob", "member"), ("eve", "guest")):
                await app.people.create_user(OWNER, name, PASSWORD, role=role)
                tokens[name] = (await app.people.create_token(name))["token"]
            if not again:
                tokens["reader"] = (await app.people.create_token("ann", scopes=["api"]))["token"]
            yield House(app, tokens)

    return make
