"""Making a model without writing code, filling it from a file, changing and dropping it, in a real browser."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import httpx2
import pytest
from people import PASSWORD, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
EVERY_LOOK = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]


@pytest.fixture
def receipts(tmp_path: Path) -> Path:
    """400 rows; the file's name is the model's."""
    draw = random.Random(7)
    lines = ["Shop,Category,Amount,Bought,Paid"]
    for row in range(400):
        kind = draw.choice(("groceries", "household", "tools"))
        lines.append(f"Shop {row},{kind},{draw.randint(100, 9999) / 100},2026-01-{row % 28 + 1:02},{row % 2 == 0}")
    path = tmp_path / "Receipts of 2026.csv"
    path.write_text("\n".join(lines).lower().replace("shop,", "Shop,") + "\n", "utf-8")
    return path


def _learn(documented: Documented, at_desk: Watched, cookies: dict[str, str]) -> None:
    documented.learn(httpx2.get(f"{at_desk.base}/api/openapi.json", cookies=cookies).json())


def test_a_model_is_made_by_hand_filled_changed_and_dropped(
    at_desk: Watched, documented: Documented, cookies: dict[str, str]
) -> None:
    page = at_desk.open("/#/data/notes", ".side a")
    page.click(".side [aria-label='New model']")
    page.click("text=Make the model")
    page.locator("#design-plural-error").wait_for()
    assert at_desk.axe() == []
    page.fill("#design-plural", "Books")
    assert page.input_value("#design-name") == "books"
    assert page.input_value("#design-label") == "Book"
    page.locator(".icon-choice input[value='']").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".icon-choice input[value=archive]")).to_be_checked()
    page.click("#design-add")
    expect(page.locator(".design-field").last.locator("input.input").first).to_be_focused()
    page.keyboard.type("State")
    field = page.locator(".design-field").last
    field.locator("select").first.select_option("choice")
    page.click("text=Make the model")
    page.locator("text=Write at least one choice").wait_for()
    field.locator("textarea").fill("wanted\nreading\nread")
    page.click("#design-add")
    expect(page.locator(".design-field").last.locator("input.input").first).to_be_focused()
    page.keyboard.type("Year")
    page.locator(".design-field").last.locator("select").first.select_option("integer")
    page.keyboard.press("Alt+ArrowUp")
    assert page.locator(".design-field input.input").nth(1).input_value() == "Year"
    page.click("text=Make the model")
    page.locator(".empty >> text=Add book").click()
    expect(page.locator(".side a[aria-current=page] use")).to_have_attribute("href", "/ui/icons.svg#archive")
    page.fill("#field-title", "Momo")
    page.fill("#field-year", "1973")
    page.select_option("#field-state", "read")
    page.click(".drawer button[type=submit]")
    page.locator(".grid >> text=Momo").wait_for()
    _learn(documented, at_desk, cookies)

    page.click("[popovertarget=model-menu]")
    page.click("#model-menu >> text=Change the model")
    page.locator(".design-field").nth(2).wait_for()
    page.click("[aria-label='Remove Year']")
    page.fill("[id^=design-][id$=-label] >> nth=1", "Shelf")
    page.click("text=Save the model")
    dialog = page.locator("dialog")
    expect(dialog.locator("tbody tr")).to_have_count(1)
    expect(dialog.locator("tbody")).to_contain_text("year")
    expect(dialog.locator("button.danger")).to_be_disabled()
    at_desk.settle()
    assert at_desk.axe() == []
    page.fill("#typed", "books")
    page.click("dialog button.danger")
    page.locator(".grid >> text=Momo").wait_for()
    page.locator(".grid thead >> text=State").wait_for()
    expect(page.locator(".grid thead >> text=Year")).to_have_count(0)

    page.click("[popovertarget=model-menu]")
    page.click("#model-menu >> text=Change the model")
    page.click("text=Drop the model")
    page.fill("#typed", "books")
    page.click("dialog button.danger")
    page.locator(".side >> text=Books").wait_for(state="detached")
    at_desk.settle()
    at_desk.check(documented)


def test_a_file_becomes_a_model_with_its_rows(
    at_desk: Watched, documented: Documented, cookies: dict[str, str], receipts: Path
) -> None:
    page = at_desk.open("/#/data/-", "#design-plural")
    page.set_input_files("#design-file", receipts)
    page.locator(".file-row").wait_for()
    assert page.input_value("#design-name") == "receipts_of_2026"
    kinds = [page.locator(".design-field select").nth(at).input_value() for at in range(5)]
    assert kinds == ["text", "choice", "number", "date", "boolean"]
    assert at_desk.axe() == []
    page.click("text=Make it and import the rows")
    page.locator(".grid-foot >> text=of 400").wait_for()
    _learn(documented, at_desk, cookies)
    page.goto(f"{at_desk.base}/#/data/receipts_of_2026?where=category=tools&where=amount__gte=50&sort=amount")
    page.locator(".grid tbody tr").first.wait_for()
    at_desk.settle()
    at_desk.check(documented)


def test_rows_that_do_not_fit_are_named_and_the_others_can_come(
    at_desk: Watched, documented: Documented, tmp_path: Path
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("Name,Weight\nFirst,3\n,4\nThird,heavy\nFourth,1\n", "utf-8")
    page = at_desk.open("/#/data/notes/import", "#import-file")
    page.set_input_files("#import-file", path)
    page.locator(".mapping li").first.wait_for()
    page.locator("text=These fields need a value").wait_for()
    page.get_by_label("Field for the column Name").select_option("title")
    page.get_by_label("Field for the column Weight").select_option("priority")
    page.click("text=Only check")
    page.locator("text=2 rows do not fit, 2 do").wait_for()
    expect(page.locator(".facts tbody tr")).to_have_count(2)
    assert at_desk.axe() == []
    page.click("text=Import the rows")
    page.locator("text=Nothing was imported").wait_for()
    page.check("#skip-bad")
    page.click("text=Import the rows that fit")
    page.locator(".grid >> text=Fourth").wait_for()
    page.click(".toast >> text=Undo")
    page.locator(".grid >> text=Fourth").wait_for(state="detached")
    at_desk.settle()
    at_desk.check(documented, allowed=("422 (Unprocessable",))


@pytest.mark.parametrize(("theme", "width"), EVERY_LOOK, ids=[f"{theme}-{width}" for theme, width in EVERY_LOOK])
def test_the_pages_of_a_model_in_every_look(
    browser: Browser, lived_in: RunningServer, cookies: dict[str, str], documented: Documented, theme: str, width: int
) -> None:
    watched = Watched(browser, lived_in.url, theme, width, cookies)
    page = watched.open("/#/data/-", "#design-plural")
    page.click("[aria-label='More about Title']")
    page.locator(".more-options").wait_for()
    assert watched.axe() == []
    page.click("text=Paste text")
    page.fill("#design-file-text", "Name;Born\nAda;1815-12-10\n")
    page.click("text=Use this text")
    page.locator(".file-row").wait_for()
    assert watched.axe() == []
    page = watched.open("/#/data/notes/import", "#import-file")
    assert watched.axe() == []
    page = watched.open("/#/data/notes/deleted", ".empty, .deleted")
    assert watched.axe() == []
    watched.check(documented)
    watched.close()


def test_a_relation_is_found_by_title_and_links_both_ways(
    at_desk: Watched, documented: Documented, cookies: dict[str, str]
) -> None:
    page = at_desk.open("/", ".plate")
    with httpx2.Client(base_url=at_desk.base, cookies=cookies) as maja:
        name = {"name": "name", "type": "text", "label": "Name"}
        author = {"name": "author", "type": "relation", "references": "authors"}
        for model, label, fields in (("authors", "Author", [name]), ("novels", "Novel", [name, author])):
            given = {"name": model, "label": label, "label_plural": f"{label}s", "fields": fields}
            assert maja.post("/api/v1/models", json=given).status_code == 201
        for one in ("Michael Ende", "Tove Jansson", "1001 nights, 50% off"):
            assert maja.post("/api/v1/authors", json={"name": one}).status_code == 201
    _learn(documented, at_desk, cookies)
    page = at_desk.open("/#/data/novels?record=new", "#field-author")
    page.fill("#field-name", "Comet in Moominland")
    # Digits are a title as well as an id, and those that can be no id are looked for all the same.
    for text, shown in (("1001", "1001 nights"), ("2", "Tove Jansson"), ("50% o", "1001 nights"), ("9" * 30, "")):
        page.fill("#field-author", text)
        page.locator(f"[role=option] >> text={shown}" if shown else "[role=option][aria-disabled=true]").wait_for()
    page.fill("#field-author", "tove")
    page.locator("[role=option] >> text=Tove Jansson").wait_for()
    assert at_desk.axe() == []
    page.keyboard.press("Enter")
    page.click(".drawer button[type=submit]")
    page.locator(".grid >> text=Comet in Moominland").wait_for()
    page.click(".grid a.rel >> text=Tove Jansson")
    page.locator(".drawer h2 >> text=Tove Jansson").wait_for()
    page.click(".drawer [role=tab] >> text=Linked")
    page.locator(".linked li", has_text="Novels").get_by_text("1", exact=True).wait_for()
    assert at_desk.axe() == []
    page.click(".linked a")
    page.locator(".grid >> text=Comet in Moominland").wait_for()
    at_desk.settle()
    at_desk.check(documented)


EVERY_KIND: list[dict[str, Any]] = [
    {"name": "title", "type": "text", "required": True, "unique": "global", "max_length": 80, "searchable": True},
    {"name": "story", "type": "long_text", "default": "", "help": "As long as you like"},
    {"name": "pages", "type": "integer", "minimum": 1, "maximum": 9000, "default": 100, "indexed": True},
    {"name": "weight", "type": "number", "default": 0.5},
    {"name": "lent", "type": "boolean", "default": False},
    {"name": "bought", "type": "date", "default": "2026-01-02"},
    {"name": "read_at", "type": "datetime", "indexed": True},
    {"name": "state", "type": "choice", "choices": ["wanted", "read"], "default": "wanted"},
    {"name": "words", "type": "tags", "default": ["a", "b"]},
    {"name": "extra", "type": "json", "default": {"a": 1}},
    {"name": "writer", "type": "email", "unique": True},
    {"name": "page_url", "type": "url"},
    {"name": "note", "type": "relation", "references": "notes", "on_delete": "set_null"},
    {"name": "scan", "type": "file", "accept": ["image/*"], "max_bytes": 2_000_000},
    {"name": "digest", "type": "bytes", "max_length": 64},
]


def test_a_model_that_is_saved_as_it_is_stays_as_it_is(
    at_desk: Watched, documented: Documented, cookies: dict[str, str]
) -> None:
    path = "/api/v1/models/everything"
    with httpx2.Client(base_url=at_desk.base, cookies=cookies) as maja:
        given = {"name": "everything", "label": "Thing", "title_field": "title", "guests": "own", "fields": EVERY_KIND}
        made = maja.post("/api/v1/models", json=given)
        assert made.status_code == 201, made.text
        before = maja.get(f"{path}/definition").json()["data"]
        _learn(documented, at_desk, cookies)
        page = at_desk.open("/#/data/everything/design", ".design-field")
        page.click("text=Save the model")
        page.locator(".empty, .grid").first.wait_for()
        after = maja.get(f"{path}/definition").json()["data"]
        for field in before["fields"]:
            field["label"] = field["label"] or field["name"].capitalize().replace("_", " ")
        assert after["fields"] == before["fields"]
        assert {**after, "fields": 0, "label_plural": 0} == {**before, "fields": 0, "label_plural": 0}
        page.click(".empty >> text=Add thing")
        page.fill("#field-title", "Momo")
        page.click(".drawer button[type=submit]")
        page.locator(".grid >> text=Momo").wait_for()
        row = maja.get("/api/v1/everything/1").json()["data"]
        assert (row["story"], row["words"], row["extra"], row["pages"]) == ("", ["a", "b"], {"a": 1}, 100)
    at_desk.settle()
    at_desk.check(documented)


def test_a_related_record_is_made_from_the_picker_and_chosen(
    at_desk: Watched, documented: Documented, cookies: dict[str, str], browser: Browser, lived_in: RunningServer
) -> None:
    with httpx2.Client(base_url=at_desk.base, cookies=cookies) as maja:
        name = {"name": "name", "type": "text", "label": "Name", "required": True}
        house = {"name": "house", "type": "relation", "references": "houses", "label": "House"}
        writer = {"name": "writer", "type": "relation", "references": "writers", "label": "Writer"}
        for model, label, fields in (
            ("houses", "House", [name]),
            ("writers", "Writer", [name, house]),
            ("sagas", "Saga", [name, writer]),
        ):
            given = {"name": model, "label": label, "label_plural": f"{label}s", "members": "own", "fields": fields}
            assert maja.post("/api/v1/models", json=given).status_code == 201
        _learn(documented, at_desk, cookies)
        at_desk.open("/", ".plate")
        page = at_desk.open("/#/data/sagas?record=new", "#field-writer")
        page.fill("#field-name", "Moomins")
        page.locator("#field-writer").focus()
        page.keyboard.press("ArrowDown")
        page.locator("[role=option] >> text=New writer…").wait_for()
        page.keyboard.type("Tove Jansson")
        page.locator("[role=option][aria-selected=true] >> text=New writer “Tove Jansson”…").wait_for()
        assert at_desk.axe() == []
        page.keyboard.press("Enter")
        inner = "in-field-writer"
        expect(page.locator(f"#{inner}-name")).to_be_focused()
        expect(page.locator(f"#{inner}-name")).to_have_value("Tove Jansson")
        assert at_desk.axe() == []
        page.keyboard.press("Tab")
        page.keyboard.type("Schildts")
        page.locator("[role=option][aria-selected=true] >> text=New house “Schildts”…").wait_for()
        page.keyboard.press("Escape")
        expect(page.locator("dialog.related")).to_have_count(1)
        page.keyboard.type("Schildts")
        page.locator("[role=option][aria-selected=true] >> text=New house “Schildts”…").wait_for()
        page.keyboard.press("Enter")
        expect(page.locator(f"#in-{inner}-house-name")).to_have_value("Schildts")
        page.fill(f"#in-{inner}-house-name", "")
        page.keyboard.press("Enter")
        expect(page.locator(f"#in-{inner}-house-name")).to_be_focused()
        page.locator(f"#in-{inner}-house-name-error").wait_for()
        page.keyboard.type("Schildts")
        page.keyboard.press("Control+s")
        expect(page.locator("dialog.related")).to_have_count(1)
        expect(page.locator(f"#{inner}-house")).to_be_focused()
        expect(page.locator(f"#{inner}-house")).to_have_value("Schildts")
        assert maja.get("/api/v1/writers").json()["data"] == []
        page.keyboard.press("Escape")
        page.locator("dialog >> text=Keep editing").click()
        page.click("dialog.related button[type=submit]")
        expect(page.locator("dialog.related")).to_have_count(0)
        expect(page.locator("#field-writer")).to_be_focused()
        expect(page.locator("#field-writer")).to_have_value("Tove Jansson")
        expect(page.locator("#field-name")).to_have_value("Moomins")
        page.click(".drawer button[type=submit]")
        page.locator(".grid a.rel >> text=Tove Jansson").wait_for()
        assert [row["name"] for row in maja.get("/api/v1/sagas").json()["data"]] == ["Moomins"]
        at_desk.settle()
        at_desk.check(documented)
        rule = {"role": "member", "model": "writers", "verb": "create", "extent": "none"}
        assert maja.post("/api/v1/access_rules", json=rule).status_code == 201
    lived_in.create_user("otto", PASSWORD)
    watched = signed_in(browser, lived_in, "otto")
    page = watched.open("/#/data/sagas?record=new", "#field-writer")
    page.fill("#field-writer", "Tove Jansson")
    page.locator("[role=option] >> text=None found").wait_for()
    watched.settle()
    expect(page.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_have_count(0)
    watched.check(documented)
    watched.close()
