"""Tools and Home with more MCP servers than a person looks through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from shop_house import shop_house
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
MANY = 14


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the shop's MCP server and one that can't start, and many that are switched off."""
    with shop_house(tmp_path_factory.mktemp("many"), {"name": "zz-broken", "command": "/no/such/program"}) as server:
        with sign_in(server.url, "maja", PASSWORD) as client:
            for number in range(MANY):
                body = {"name": f"spare{number}", "transport": "stdio", "command": "true", "enabled": False}
                assert client.post("/api/v1/mcp_servers", json=body).status_code == 201
            # Nobody starts it otherwise.
            client.post("/api/v1/gateway/2/restart")
        yield server


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_many_servers_are_searched_by_their_names_and_tools_and_home_shows_the_faulty_and_the_first(
    browser: Browser, house: RunningServer, theme: str, width: int
) -> None:
    watched = signed_in(browser, house, "maja", theme, width)
    page = watched.open("/#/tools", ".servers a")
    names = page.locator(".servers a .name")
    shown = [name for name in names.all_inner_texts() if name.startswith("spare")]
    assert shown == [f"spare{number}" for number in range(MANY)], "spare2 comes before spare10"
    search = page.get_by_role("searchbox", name="Find a server or a tool")
    search.fill("SPARE1")
    expect(names.filter(has_text="spare")).to_have_count(5)
    search.fill("search notes")
    expect(page.locator(".servers").first.locator("a .name")).to_have_text(["notes"])
    search.fill("no such thing")
    expect(page.get_by_role("status").filter(has_text="No server and no tool")).to_be_visible()
    assert watched.axe() == []
    page = watched.open("/#/", "li.server")
    rows = page.locator("li.server")
    expect(rows).to_have_count(8)
    expect(rows.first).to_contain_text("zz-broken")
    watched.settle()
    assert watched.axe() == []
    page.get_by_role("link", name="All 16 servers").click()
    names.first.wait_for()
    watched.check(documented_by(house))
    watched.close()
