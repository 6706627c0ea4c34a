"""Backups in a real browser: the first one with its phrase, a restore with its report, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from demo_data import fill, sign_in
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
EVERY_LOOK = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
# The server is away for a moment, and the sign-in of this page may be newer than the backup.
AWAY = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET",
    "401 (Unauth",
    "503 (Serv",
)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of one's own, for it is restored."""
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        with sign_in(server.url, "maja", PASSWORD) as client:
            fill(client)
        yield server


def _signed_in(browser: Browser, server: RunningServer, theme: str = "light", width: int = 1280) -> Watched:
    return signed_in(browser, server, "maja", theme, width)


def _documented(server: RunningServer, watched: Watched) -> Documented:
    cookies = {one["name"]: one["value"] for one in watched.context.cookies()}
    return Documented(httpx2.get(f"{server.url}/api/openapi.json", cookies=cookies).json())


def _keep_the_phrase(page: Page) -> str:
    page.locator(".phrase").wait_for()
    words = [word.inner_text().strip().lstrip("0123456789").strip() for word in page.locator(".phrase li").all()]
    assert len(words) == 12
    page.click("text=I have written them down")
    page.fill("#phrase-typed", " ".join(words[:-1] + ["bear"]))
    page.click("text=Keep this phrase")
    page.locator("#phrase-typed-error").wait_for()
    page.fill("#phrase-typed", " ".join(words))
    page.click("text=Keep this phrase")
    return " ".join(words)


def test_the_first_backup_keeps_a_phrase_and_a_restore_is_reported_and_undone(
    browser: Browser, own: RunningServer
) -> None:
    watched = _signed_in(browser, own)
    page = watched.open("/#/settings/backups", ".empty")
    assert watched.axe() == []
    page.click("text=Make the first backup")
    page.locator(".phrase").wait_for()
    watched.settle()
    assert watched.axe() == []
    _keep_the_phrase(page)
    page.locator(".backups > li").first.wait_for()
    watched.settle()
    assert watched.axe() == []
    page.evaluate("fetch('/api/v1/notes/bulk?priority__gte=2', {method: 'DELETE'})")
    page.click("[aria-label^='Restore the backup of']")
    row = page.locator("dialog tr", has_text="notes")
    expect(row.locator(".n").first).to_have_text("12")
    expect(page.locator("dialog button.danger")).to_be_disabled()
    assert watched.axe() == []
    page.fill("#typed", "restore")
    page.click("dialog button.danger")
    page.locator(".report").wait_for(timeout=60_000)
    expect(page.locator(".report tr", has_text="notes").locator(".n")).to_have_text(["12", "12"])
    watched.settle()
    assert watched.axe() == []
    page.goto(f"{own.url}/#/data/notes")
    page.locator(".grid-foot >> text=of 12").wait_for()

    page.goto(f"{own.url}/#/settings/backups")
    page.click("text=Bring it back")
    page.fill("#typed", "restore")
    page.click("dialog button.danger")
    page.locator("text=The restore was undone").wait_for(timeout=60_000)
    page.goto(f"{own.url}/#/data/notes")
    page.locator(".grid-foot >> text=of 12").wait_for(state="detached")
    watched.settle()
    watched.check(_documented(own, watched), allowed=(*AWAY, "422 (Unprocessable", "400 (Bad", "409 (Conflict"))
    watched.close()


def test_a_backup_is_fetched_deleted_sent_back_and_checked(browser: Browser, own: RunningServer) -> None:
    watched = _signed_in(browser, own)
    page = watched.open("/#/settings/backups", ".empty")
    page.click("text=Make the first backup")
    page.click("text=Back up without")
    page.locator(".backups > li").first.wait_for()
    page.locator("text=Nobody has kept a recovery phrase").wait_for()
    with page.expect_download() as download:
        page.click("[aria-label^='Download the backup of']")
    kept = download.value.path()
    page.click("[popovertarget=backup-menu-0]")
    page.click("#backup-menu-0 >> text=Delete the backup")
    page.click("dialog button.danger")
    page.locator(".empty").wait_for()
    page.set_input_files(
        "#backup-file", {"name": "old.zip", "mimeType": "application/zip", "buffer": kept.read_bytes()}
    )
    page.locator(".backups > li").first.wait_for()
    page.click("[popovertarget=backup-menu-0]")
    page.click("#backup-menu-0 >> text=Check it")
    page.locator(".toast >> text=no fault").wait_for()
    page.set_input_files("#backup-file", {"name": "no.zip", "mimeType": "application/zip", "buffer": b"no zip"})
    page.locator(".toast.bad").wait_for()
    page.select_option("#setting-backup_schedule", "every 6 hours")
    page.locator(".toast >> text=is saved").wait_for()
    expect(page.locator(".setting").first).to_contain_text("Set here")
    watched.settle()
    watched.check(_documented(own, watched), allowed=("422 (Unprocessable", "400 (Bad", "409 (Conflict"))
    watched.close()


def test_a_backup_whose_phrase_is_lost_is_restored_without_its_secrets(
    browser: Browser, own: RunningServer, tmp_path: Path
) -> None:
    with RunningServer(tmp_path / "old") as old:
        old.create_user("maja", PASSWORD, admin=True)
        with sign_in(old.url, "maja", PASSWORD) as client:
            assert client.post("/api/v1/secrets", json={"name": "weather", "value": "canary"}).status_code == 201
            words = client.post("/api/v1/backups/recovery-phrase").json()["data"]["phrase"]
            client.post("/api/v1/backups/recovery-phrase/confirm", json={"phrase": words})
            made = client.post("/api/v1/backups").json()["data"]["name"]
            content = client.get(f"/api/v1/backups/{made}/content").content
    with sign_in(own.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/backups/upload", content=content).status_code == 201
    for width in (390, 1280):
        watched = _signed_in(browser, own, width=width)
        page = watched.open("/#/settings/backups", "text=with secrets")
        page.click("button[aria-label^='Restore the backup']")
        page.locator("#restore-phrase").wait_for()
        page.check("#restore-without")
        expect(page.locator("#restore-phrase")).to_have_count(0)
        expect(page.locator("dialog .note.warn")).to_contain_text("secrets.value: 1")
        watched.settle()
        assert watched.axe() == []
        if width == 390:
            watched.close()
    page.fill("#typed", "restore")
    page.click("dialog >> text=Restore this backup")
    page.wait_for_selector("#username, .report", timeout=60_000)
    with sign_in(own.url, "maja", PASSWORD) as client:
        report = client.get("/api/v1/backups/status").json()["data"]["last_restore"]
        assert report["lost_secrets"] == [{"model": "secrets", "field": "value", "rows": 1}]
    watched.check(_documented(own, watched), AWAY)
    watched.close()


@pytest.mark.parametrize(("theme", "width"), EVERY_LOOK, ids=[f"{theme}-{width}" for theme, width in EVERY_LOOK])
def test_the_backups_page_in_every_look(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    httpx2.post(f"{lived_in.url}/api/v1/backups", json={"without_phrase": True}, cookies=cookies, timeout=30)
    watched = Watched(browser, lived_in.url, theme, width, cookies)
    watched.open("/#/settings/backups", ".backups > li")
    assert watched.axe() == []
    watched.open("/#/data/notes/access", "#access-user")
    assert watched.axe() == []
    watched.check(documented)
    watched.close()


def test_who_is_no_admin_has_no_backups_page(browser: Browser, lived_in: RunningServer) -> None:
    lived_in.create_user("ines", PASSWORD)
    watched = signed_in(browser, lived_in, "ines")
    page = watched.open("/#/settings/backups", "#licences-title")
    assert page.locator(".side >> text=Backups").count() == 0
    page = watched.open("/#/data/notes", ".empty")
    assert page.locator(".side [aria-label='New model']").count() == 0
    watched.check()
    watched.close()
