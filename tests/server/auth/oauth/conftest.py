"""A registered app, and people who are signed in."""

from __future__ import annotations

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.auth.oauth.tests_oauth_support import App


@pytest.fixture
async def app(bear: Bear, admin: httpx2.AsyncClient) -> App:
    made = App(await bear.client())
    assert (await made.register()).status_code == 201
    return made


@pytest.fixture
async def max_in(bear: Bear, member: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """The member max in a browser."""
    return await bear.signed_in("max")
