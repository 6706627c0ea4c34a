"""The Plugins page: installed from a zip after a look, switched on after its permissions, broken ones explained."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD, cookies_of, documented_by, signed_in
from playwright.sync_api import Browser, FilePayload, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
TOOLS = '''
from server.plugin_api import tool

@tool()
async def hello(name: str) -> str:
    """Says hello."""
    return f"Hello, {name}"
'''
looks = pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])


def plugin_zip(name: str, **manifest: object) -> FilePayload:
    """The zip of a plugin with one tool."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        about = {"name": name, "version": "1.0", "permissions": ["mcp_tools"], "display_name": name.title(), **manifest}
        archive.writestr(f"{name}/manifest.json", json.dumps(about))
        archive.writestr(f"{name}/tools.py", TOOLS)
    return {"name": f"{name}.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the admin maja and a plugin that raises when it is imported."""
    folder = tmp_path_factory.mktemp("plugins") / "data"
    bad = folder / "plugins" / "broken"
    bad.mkdir(parents=True)
    (bad / "manifest.json").write_text(json.dumps({"name": "Broken", "version": "0.1"}))
    (bad / "hooks.py").write_text("raise RuntimeError('no luck today')\n")
    with RunningServer(folder) as server:
        server.create_user("maja", PASSWORD, admin=True)
        yield server


@pytest.fixture(scope="module")
def cookies(house: RunningServer) -> dict[str, str]:
    return cookies_of(house, "maja")


@pytest.fixture(scope="module")
def documented(house: RunningServer, cookies: dict[str, str]) -> Documented:
    return documented_by(house)


@looks
def test_a_plugin_is_installed_switched_off_and_on_and_removed(
    browser: Browser, house: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    watched = Watched(browser, house.url, theme, width, cookies)
    page = watched.open("/#/plugins", ".plugin")
    assert watched.axe() == []
    page.click("text=Install a plugin")
    page.set_input_files("#plugin-zip", plugin_zip("greeter"))
    expect(page.locator(".asked")).to_contain_text("mcp_tools")
    watched.settle()
    assert watched.axe() == []
    page.click("text=Install and switch on")
    card = page.locator(".plugin", has_text="Greeter")
    expect(card).to_contain_text("Running")
    card.locator("[role=switch]").click()
    expect(card).to_contain_text("Off")
    expect(card.locator("[role=switch]")).not_to_be_checked()
    card.locator("[role=switch]").click()
    page.click("dialog .primary")
    expect(card).to_contain_text("Running")
    card.locator("text=Load again").click()
    expect(card).to_contain_text("Running")
    page.click("text=Install a plugin")
    page.set_input_files("#plugin-zip", plugin_zip("greeter", version="1.1", permissions=["mcp_tools", "secrets"]))
    expect(page.locator("dialog")).to_contain_text("It replaces version 1.0")
    expect(page.locator(".asked li", has_text="secrets")).to_contain_text("new")
    page.click("text=Replace and switch on")
    expect(card).to_contain_text("1.1")
    card.locator("text=Remove").click()
    page.click("dialog .danger")
    expect(card.locator("[role=switch]")).to_have_count(0)
    # Undo, and the undo of that, as long as one likes; it runs again as it did.
    page.locator(".toast", has_text="Greeter was removed").get_by_text("Undo").click()
    expect(card).to_contain_text("Running")
    page.locator(".toast", has_text="Greeter is back").get_by_text("Undo").click()
    expect(card.locator("[role=switch]")).to_have_count(0)
    watched.check(documented)
    watched.close()


@looks
def test_settings_are_a_form_made_of_the_manifest(
    browser: Browser, house: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    described = {
        "city": {"type": "string", "default": "Rome", "description": "Where the weather is asked for."},
        "days": {"type": "integer", "default": 3, "minimum": 1, "maximum": 14},
        "api_key": {"type": "secret"},
    }
    name = f"weather-{theme}"
    watched = Watched(browser, house.url, theme, width, cookies)
    page = watched.open("/#/plugins", ".plugin")
    page.click("text=Install a plugin")
    asked = ["mcp_tools", "secrets"]
    page.set_input_files("#plugin-zip", plugin_zip(name, permissions=asked, config_schema=described))
    page.click("text=Install and switch on")
    card = page.locator(".plugin", has_text=name.title())
    card.locator("text=Settings").click()
    expect(page.locator("#setting-0")).to_have_value("Rome")
    page.fill("#setting-1", "99")
    page.fill("#setting-2", "sesame")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("#setting-2")).to_have_value("sesame")
    watched.settle()
    assert watched.axe() == []
    page.click("dialog .primary")
    expect(page.locator("#setting-1")).to_have_attribute("aria-invalid", "true")
    page.fill("#setting-1", "7")
    page.fill("#setting-0", "Oslo")
    page.click("dialog .primary")
    expect(page.locator("dialog")).to_have_count(0)
    expect(card).to_contain_text("Running")
    card.locator("text=Settings").click()
    expect(page.locator("#setting-0")).to_have_value("Oslo")
    expect(page.locator("#setting-2")).to_have_value("")
    expect(page.locator("#setting-2")).to_have_attribute("placeholder", "Set; write a new one to replace it")
    assert "sesame" not in page.content()
    watched.check(documented, allowed=("422",))
    watched.close()


def test_what_is_no_plugin_is_refused_in_words_and_a_broken_one_shows_its_traceback(
    browser: Browser, house: RunningServer, cookies: dict[str, str], documented: Documented
) -> None:
    watched = Watched(browser, house.url, "light", 1280, cookies)
    page = watched.open("/#/plugins", ".plugin")
    page.click("text=Install a plugin")
    page.set_input_files("#plugin-zip", {"name": "notes.zip", "mimeType": "application/zip", "buffer": b"no zip"})
    expect(page.locator("dialog .trouble")).to_contain_text("zip")
    page.click("dialog >> text=Cancel")
    page.click("text=Install a plugin")
    page.set_input_files("#plugin-zip", plugin_zip("needy", requirements=["no-such-library-at-all-9zq"]))
    page.click("text=Install and switch on")
    needy = page.locator(".plugin", has_text="Needy")
    expect(needy.locator("text=Install what it needs")).to_be_visible()
    card = page.locator(".plugin", has_text="Broken")
    card.locator("[role=switch]").click()
    page.click("dialog .primary")
    expect(card).to_contain_text("Does not run")
    card.locator("summary").click()
    expect(card.locator("pre")).to_contain_text("no luck today")
    watched.settle()
    assert watched.axe() == []
    watched.check(documented, allowed=("422",))
    watched.close()


def test_the_page_is_for_admins_and_a_phone_finds_the_others_under_more(browser: Browser, house: RunningServer) -> None:
    house.create_user("otto", PASSWORD)
    for name, links in (("maja", ["Plugins", "People", "Activity", "Settings"]), ("otto", ["Activity", "Settings"])):
        watched = signed_in(browser, house, name, "light", 390)
        page = watched.open("/", ".plate")
        page.click(".rail li.phone-only a")
        page.locator(".more-list a").first.wait_for()
        assert page.locator(".more-list b").all_inner_texts() == links
        assert page.locator(".rail a[href='#/plugins']").count() == ("Plugins" in links)
        watched.settle()
        assert watched.axe() == []
        watched.check()
        watched.close()


@looks
def test_what_a_plugins_servers_start_is_shown_first_and_they_come_with_their_plugin(
    browser: Browser, house: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    name = f"sky-{theme}"
    servers = {"far": {"command": "/no/such/program", "args": ["--deep", "a b"]}}
    zipped = plugin_zip(name, permissions=["mcp_servers", "mcp_tools"], mcp_servers=servers)
    watched = Watched(browser, house.url, theme, width, cookies)
    page = watched.open("/#/plugins", ".plugin")
    page.click("text=Install a plugin")
    page.set_input_files("#plugin-zip", zipped)
    expect(page.locator(".asked")).to_contain_text(f"{name}-far starts /no/such/program --deep 'a b'")
    watched.settle()
    assert watched.axe() == []
    page.click("text=Install and switch on")
    expect(page.locator(".plugin", has_text=name)).to_contain_text("Running")
    page.goto(f"{house.url}/#/tools")
    listed = page.locator(".servers a", has_text=f"{name}-far")
    expect(listed).to_contain_text(f"from the plugin {name}")
    expect(page.locator(".servers a", has_text="Ready").filter(has_text=f"from the plugin {name}")).to_have_count(1)
    watched.settle()
    assert watched.axe() == []
    # Away from the server's own tools, which the page would ask for once more.
    page.goto(f"{house.url}/#/plugins")
    page.locator(".plugin", has_text=name).wait_for()
    with sign_in(house.url, "maja", PASSWORD) as client:
        assert client.post(f"/api/v1/plugins/{name}/disable").status_code == 200
    page.goto(f"{house.url}/#/tools")
    page.locator(".servers-heading").wait_for()
    expect(page.locator(".servers a", has_text=name)).to_have_count(0)
    watched.check(documented)
    watched.close()
