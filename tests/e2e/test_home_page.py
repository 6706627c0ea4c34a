"""Home: what was asked within a day, what needs somebody, first steps that tick themselves, the way in for a phone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented

from server.this_computer import lan_addresses

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
EVERY_LOOK = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
SHOP = Path(__file__).parent / "shop_server.py"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server where a tool was called, one call failed, and one MCP server does not start."""
    folder = tmp_path_factory.mktemp("home") / "data"
    (folder / "plugins" / "torn").mkdir(parents=True)
    (folder / "plugins" / "torn" / "manifest.json").write_text('{"name": "torn", "version": "1.0"}')
    (folder / "plugins" / "torn" / "models.py").write_text("raise RuntimeError('no bread today')\n")
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        with sign_in(server.url, "maja", PASSWORD) as client:
            rows = [
                {"name": "shop", "command": sys.executable, "args": [str(SHOP)], "visibility": "everyone"},
                {"name": "gone", "command": "/no/such/program", "args": []},
            ]
            shop, gone = (
                client.post("/api/v1/mcp_servers", json={"transport": "stdio", **row}).json()["data"]["id"]
                for row in rows
            )
            tools = client.get(f"/api/v1/gateway/{shop}/tools").json()["data"]
            call = {"tool": tools[0]["public_name"], "arguments": {"query": "bread"}}
            assert client.post("/api/v1/gateway/call", json=call).status_code == 200
            client.get(f"/api/v1/gateway/{gone}/tools")
            client.post("/api/v1/plugins/torn/enable", json={"permissions": []})
            client.get("/api/v1/notes/999")
        yield server


@pytest.mark.parametrize(("theme", "width"), EVERY_LOOK, ids=[f"{theme}-{width}" for theme, width in EVERY_LOOK])
def test_an_admin_sees_the_last_day_and_what_needs_them(
    browser: Browser, house: RunningServer, theme: str, width: int
) -> None:
    with sign_in(house.url, "maja", PASSWORD) as client:
        documented = Documented(client.get("/api/openapi.json").json())
        calls = client.get("/api/v1/tool_calls?limit=1").json()["count"]
    watched = signed_in(browser, house, "maja", theme, width)
    page = watched.open("/", ".recent figure")
    expect(page.locator(".recent figure")).to_have_count(2)
    expect(page.locator(".recent figure").nth(0)).to_contain_text("refused")
    expect(page.locator(".recent figure").nth(1).locator(".figure")).to_have_text(str(calls))
    expect(page.locator(".recent svg").nth(1)).to_have_attribute(
        "aria-label", f"Tool calls per hour: most at {hour(page)}: {calls}"
    )
    needs = page.locator(".attention li")
    expect(needs.filter(has_text="gone")).to_have_count(1)
    expect(needs.filter(has_text="no bread today")).to_have_count(1)
    page.click("text=The numbers, hour by hour")
    row = page.locator("table.numbers tbody tr").last
    expect(row.locator("td").nth(3)).to_have_text(str(calls))
    watched.settle()
    assert watched.axe() == []
    page.click("[aria-label='Look: gone']")
    page.locator("#bench-name", has_text="gone").wait_for()
    watched.check(documented)
    watched.close()


def hour(page: Page) -> str:
    """The hour that the chart names."""
    label = page.locator(".recent svg").nth(1).get_attribute("aria-label")
    return str(label).split("most at ")[1].rpartition(":")[0]


def test_members_see_their_own_day_and_nothing_of_what_is_for_admins(browser: Browser, house: RunningServer) -> None:
    watched = signed_in(browser, house, "otto")
    page = watched.open("/", ".recent figure")
    expect(page.locator(".recent figure").nth(1).locator(".figure")).to_have_text("0")
    expect(page.locator("#recent-title + .grow")).to_have_text("yours")
    watched.settle()
    for words in ("no bread today", "/no/such/program", "Let a phone in"):
        assert words not in page.inner_text("main")
    watched.check()
    watched.close()


def test_a_step_ticks_itself_while_the_page_is_open_and_the_finished_list_can_go(
    browser: Browser, house: RunningServer
) -> None:
    watched = signed_in(browser, house, "otto")
    page = watched.open("/", ".steps li.done")
    note = page.locator(".steps li", has_text="Write your first note")
    expect(note).not_to_have_class("done")
    with sign_in(house.url, "otto", PASSWORD) as client:
        client.post("/api/v1/notes", json={"title": "elsewhere"})
        expect(note).to_have_class("done")
        token = client.post("/api/v1/api_tokens", json={"name": "script", "scopes": ["api"]})
        assert token.status_code == 201, token.text
    page.click("text=Hide this list")
    expect(page.locator("#steps-title")).to_have_count(0)
    page.reload()
    page.locator(".plate").wait_for()
    watched.settle()
    expect(page.locator("#steps-title")).to_have_count(0)
    watched.check()
    watched.close()


def test_once_others_may_come_in_home_has_the_code_for_a_phone(browser: Browser, tmp_path: Path) -> None:
    if not lan_addresses("0.0.0.0"):
        pytest.skip("needs an address that other computers could use, and this one has only loopback")
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        watched = signed_in(browser, server, "maja")
        page = watched.open("/", ".plate .phone")
        page.click("text=Let a phone in")
        page.click("text=Not encrypted")
        page.click("text=Let other computers in")
        page.click("dialog button.danger")
        page.locator("svg.qr").wait_for()
        page.click(".rail [title=Home]")
        page.locator(".plate svg.qr").wait_for()
        watched.settle()
        assert watched.axe() == []
        watched.close()
