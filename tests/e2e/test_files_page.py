"""Files in the page: chosen, dropped, sent, shown, replaced and removed, in every look."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
EVERY_LOOK = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
looks = pytest.mark.parametrize(("theme", "width"), EVERY_LOOK, ids=[f"{theme}-{width}" for theme, width in EVERY_LOOK])
ALBUMS = {
    "name": "albums",
    "label": "Album",
    "label_plural": "Albums",
    "fields": [
        {"name": "title", "type": "text", "required": True},
        {"name": "cover", "type": "file", "accept": ["image/*"], "max_bytes": 200_000, "help": "Shown in the list."},
        {"name": "booklet", "type": "file"},
    ],
}


def picture() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def albums(lived_in: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(lived_in.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/models", json=ALBUMS).status_code == 201
        yield client


@pytest.fixture
def documented(lived_in: RunningServer, albums: httpx2.Client) -> Documented:
    return Documented(albums.get("/api/openapi.json").json())


def rows(width: int) -> str:
    return ".grid tbody tr" if width > 720 else ".card-rows li"


def choose(page: Page, field: str, name: str, kind: str, data: bytes) -> None:
    page.set_input_files(f"#field-{field}", {"name": name, "mimeType": kind, "buffer": data})


def arrived(page: Page, name: str) -> None:
    """Wait until the file is with the server; its name is there from the moment it is on its way."""
    page.locator(".file-box:not(:has(progress))").filter(has_text=name).wait_for()


def save(page: Page) -> None:
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        page.click("form.record button[type=submit]")


@looks
def test_a_record_with_files_is_made_shown_and_changed(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], albums: httpx2.Client, documented: Documented,
    theme: str, width: int,
) -> None:  # fmt: skip
    title = f"The {theme} album of {width}"
    watched = Watched(browser, lived_in.url, theme, width, cookies)
    page = watched.open("/#/data/albums?record=new", "#field-title")
    page.fill("#field-title", title)
    assert watched.axe() == []
    choose(page, "cover", "notes.txt", "text/plain", b"no picture")
    expect(page.locator(".field .error")).to_contain_text("image/*")
    choose(page, "cover", "large.png", "image/png", picture() + b"x" * 200_000)
    expect(page.locator(".field .error")).to_contain_text("at most")
    choose(page, "cover", "A very long name of a picture, longer than any field is wide.png", "image/png", picture())
    page.locator(".file-box img.thumb").wait_for()
    choose(page, "booklet", "booklet.pdf", "application/pdf", b"%PDF-1.7 x")
    arrived(page, "booklet.pdf")
    assert watched.axe() == []
    page.click("form.record button[type=submit]")
    record = page.locator(rows(width)).filter(has_text=title)
    record.first.wait_for()
    watched.settle()
    if width > 720:
        expect(record.first).to_contain_text("booklet.pdf")
        link = re.compile(r"/api/v1/files/[0-9]+/content\?inline=true")
        expect(record.locator("a.rel").first).to_have_attribute("href", link)
    assert watched.axe() == []
    watched.check(documented)
    watched.close()
    row = albums.get("/api/v1/albums", params={"title": title, "expand": "cover"}).json()["data"][0]
    assert row["expand"]["cover"]["size"] == len(picture())
    assert albums.delete(f"/api/v1/albums/{row['id']}").status_code == 200


def test_a_file_is_replaced_by_dropping_another_and_removed(
    at_desk: Watched, albums: httpx2.Client, documented: Documented
) -> None:
    file_id = albums.post("/api/v1/files?name=old.png", content=picture()).json()["data"]["id"]
    record = albums.post("/api/v1/albums", json={"title": "Old", "cover": file_id}).json()["data"]["id"]
    page = at_desk.open(f"/#/data/albums?record={record}", ".file-box >> text=old.png")
    page.evaluate(
        """(data) => {
          const held = new DataTransfer();
          held.items.add(new File([new Uint8Array(data)], "new.png", {type: "image/png"}));
          const drop = new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true});
          document.querySelector(".file-box").dispatchEvent(drop);
        }""",
        list(picture()),
    )
    arrived(page, "new.png")
    save(page)
    cover = albums.get(f"/api/v1/albums/{record}?expand=cover").json()["data"]["expand"]["cover"]
    assert cover["name"] == "new.png"
    at_desk.settle()
    page.locator(".file-box").first.locator("button").click()
    save(page)
    assert albums.get(f"/api/v1/albums/{record}").json()["data"]["cover"] is None
    at_desk.check(documented)


@looks
def test_files_have_a_page_of_their_own(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], albums: httpx2.Client, documented: Documented,
    theme: str, width: int, tmp_path: Path,
) -> None:  # fmt: skip
    watched = Watched(browser, lived_in.url, theme, width, cookies)
    page = watched.open("/#/data/files?record=new", ".file-box")
    assert watched.axe() == []
    names = [f"one {theme} {width}.png", f"two {theme} {width}.png"]
    page.set_input_files("#new-files", [{"name": name, "mimeType": "image/png", "buffer": picture()} for name in names])
    for name in names:
        page.locator(rows(width)).filter(has_text=name).first.wait_for()
    newest = albums.get("/api/v1/files?sort=-id&limit=1").json()["data"][0]
    assert newest["name"] == names[1]
    page = watched.open(f"/#/data/files?record={newest['id']}", ".file-banner img.thumb")
    assert watched.axe() == []
    if width > 720:
        page.goto(f"{lived_in.url}/api/v1/files/{newest['id']}/content?inline=true")
        assert page.evaluate("document.contentType") == "image/png"
        assert page.evaluate("self.origin") == "null", "what was uploaded has no origin"
        page = watched.open("/#/data/files", ".grid")
    watched.check(documented)
    watched.close()
