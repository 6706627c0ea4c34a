"""Adding MCP servers: from the catalogue, from the file of an AI client, and pasted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
THEIRS = {
    "Brave Search": {"command": "npx", "args": ["brave-server@1.0.0"], "env": {"BRAVE_API_KEY": "sk-abcdef123456"}},
    "odd": {"command": 7},
}
looks = pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with the admin maja, whose Cursor has two MCP servers."""
    config = tmp_path / ".cursor" / "mcp.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"mcpServers": THEIRS}))
    with RunningServer(tmp_path / "data", {"HOME": str(tmp_path)}) as server:
        server.create_user("maja", PASSWORD, admin=True)
        yield server


@looks
def test_servers_are_added_from_the_catalogue_a_client_and_pasted_text(
    browser: Browser, house: RunningServer, tmp_path: Path, theme: str, width: int
) -> None:
    documented = documented_by(house)
    watched = signed_in(browser, house, "maja", theme, width)
    page = watched.open("/#/tools", ".empty")
    page.click("text=Add a server")
    page.locator(".known").first.wait_for()
    watched.settle()
    assert watched.axe() == []
    page.fill("[type=search]", "no such thing")
    expect(page.locator(".known")).to_have_count(0)
    page.fill("[type=search]", "folders that you choose")
    page.click(".known button")
    page.click("dialog .primary")
    expect(page.locator("dialog .error")).to_have_count(1)
    page.fill("#known-folders", str(tmp_path))
    watched.settle()
    assert watched.axe() == []
    page.click("dialog .primary")
    page.locator(".bench-name", has_text="filesystem").wait_for()

    expect(page.locator(".toast")).to_have_count(0)
    page.goto(f"{house.url}/#/tools/add/clients")
    page.click("[aria-label='Look at Cursor']")
    page.locator(".found").wait_for()
    expect(page.locator(".found li", has_text="odd").locator("input")).to_be_disabled()
    expect(page.locator(".found")).to_contain_text("Into the vault: BRAVE_API_KEY")
    assert "sk-abcdef" not in page.content()
    watched.settle()
    assert watched.axe() == []
    page.click("text=Add 1 server")
    page.locator(".bench-name", has_text="brave-search").wait_for()

    expect(page.locator(".toast")).to_have_count(0)
    page.goto(f"{house.url}/#/tools/add/paste")
    page.fill("#paste-text", "{no json")
    page.click("button:has-text('See what it adds')")
    page.locator(".trouble").wait_for()
    page.fill("#paste-text", '{"mcpServers": {"notes": {"url": "https://notes.example.com/mcp"}}}')
    page.click("button:has-text('See what it adds')")
    page.click("text=Add 1 server")
    page.locator(".bench-name", has_text="notes").wait_for()

    with sign_in(house.url, "maja", PASSWORD) as client:
        servers = client.get("/api/v1/mcp_servers?sort=name").json()["data"]
        assert [one["name"] for one in servers] == ["brave-search", "filesystem", "notes"]
        assert servers[1]["args"][-1] == str(tmp_path)
        [secret] = client.get("/api/v1/secrets").json()["data"]
        assert "sk-abcdef" not in json.dumps([servers, secret])
    watched.check(documented, allowed=("422", "504", "502"))
    watched.close()
