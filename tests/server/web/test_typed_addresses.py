"""An address that somebody typed without the "#": a browser is led to the page, programs are told as ever."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


async def test_a_browser_is_led_to_the_page_of_that_name_whoever_asks(bear: Bear, admin: httpx2.AsyncClient) -> None:
    for client in (await bear.client(), await bear.person("max"), admin):
        for path in ("/settings", "/data/notes?record=2", "/plugins", "/no-such-page"):
            answer = await client.get(path, headers=BROWSER)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/#{path}")


async def test_what_is_for_programs_stays_an_error_and_so_does_all_that_is_no_page(
    bear: Bear, admin: httpx2.AsyncClient
) -> None:
    for path in ("/api/nope", "/api/v1/nope", "/ui/nope.js", "/oauth/nope", "/auth/nope", "/plugins/none/ui/x.js",
                 "/robots.txt", "/.env", "/a:b", "/a%0d%0ab", "/a%2f..%2f%2e%2e"):  # fmt: skip
        answer = await admin.get(path, headers=BROWSER)
        assert answer.status_code == 404 and "location" not in answer.headers, path
    assert (await admin.get("/settings")).json()["code"] == "not_found"
    assert (await (await bear.client()).get("/settings")).status_code == 401
    assert (await admin.post("/settings", headers=BROWSER)).status_code in (404, 405)


async def test_the_base_path_stays_in_the_address_and_nothing_of_the_query_leaves_it(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", base_path="/bear") as bear:
        ada = await bear.person("ada", "admin")
        answer = await ada.get("/data/notes?q=a%0d%0aSet-Cookie:b&sort=-id", headers=BROWSER)
        assert answer.headers["location"] == "/bear/#/data/notes?q=a%0d%0aSet-Cookie:b&sort=-id"
