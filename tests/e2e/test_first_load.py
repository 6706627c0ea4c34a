"""The first page is small: everything that comes over the wire until it stands still, data and fonts included."""

from __future__ import annotations

from pathlib import Path

import pytest
from people import PASSWORD, cookies_of
from playwright.sync_api import Browser
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

from tests.bench.wire import Wire

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
LIMIT = 150_000


def test_opening_the_first_pages_takes_no_more_than_150_kb(browser: Browser, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        cookies = cookies_of(server, "maja")
        starts: list[tuple[str, dict[str, str], str]] = [("/auth/login", {}, ".door h1"), ("/", cookies, ".recent")]
        for path, known, ready in starts:
            watched = Watched(browser, server.url, cookies=known)
            wire = Wire(watched.page)
            watched.open(path, ready)
            assert wire.total <= LIMIT, f"{path} takes {wire.total:,} bytes of {LIMIT:,}:\n{wire.told()}"
            assert any(one.path.endswith("/inter.woff2") and one.size > 10_000 for one in wire.fetched)
            watched.check()
            watched.close()
