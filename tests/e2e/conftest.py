"""What the browser tests share: one browser, one server with some data, and pages signed in to it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from demo_data import fill, sign_in
from people import PASSWORD, cookies_of
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import Documented, Watched, open_browser

SECRET = "page-tests-internal-secret"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the admin maja and some data."""
    env = {"INTERNAL_API_SECRET": SECRET}
    with RunningServer(tmp_path_factory.mktemp("lived") / "data", env) as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            fill(client, SECRET)
        yield server


@pytest.fixture(scope="module")
def cookies(lived_in: RunningServer) -> dict[str, str]:
    return cookies_of(lived_in, "maja")


@pytest.fixture(scope="module")
def documented(lived_in: RunningServer, cookies: dict[str, str]) -> Documented:
    reply = httpx2.get(f"{lived_in.url}/api/openapi.json", cookies=cookies)
    return Documented(reply.json())


@pytest.fixture
def at_desk(browser: Browser, lived_in: RunningServer, cookies: dict[str, str]) -> Iterator[Watched]:
    watched = Watched(browser, lived_in.url, cookies=cookies)
    yield watched
    watched.close()
