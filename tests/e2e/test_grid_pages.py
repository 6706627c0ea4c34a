"""The grid: cells changed where they stand, ranges, widths and views; what is refused is taken back and said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, Page, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
looks = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("grid") / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        yield server


def begin(browser: Browser, house: RunningServer, theme: str = "light", username: str = "maja") -> tuple[Watched, Page]:
    """Six notes and the grid that shows them, the last one first."""
    with sign_in(house.url, username, PASSWORD) as client:
        client.delete("/api/v1/notes/bulk?all=true")
        for number in range(1, 7):
            note = {"title": f"Note {number}", "priority": number}
            assert client.post("/api/v1/notes", json=note).status_code == 201
        cookies = dict(client.cookies)
    watched = Watched(browser, house.url, theme, 1280, cookies)
    return watched, watched.open("/#/data/notes", ".grid tbody tr")


def stored(house: RunningServer, username: str = "maja") -> dict[str, int | None]:
    with sign_in(house.url, username, PASSWORD) as client:
        return {note["title"]: note["priority"] for note in client.get("/api/v1/notes").json()["data"]}


@looks
def test_a_cell_is_changed_with_the_keyboard_alone_and_taken_back(
    browser: Browser, house: RunningServer, theme: str
) -> None:
    watched, page = begin(browser, house, theme)
    page.locator("a.open", has_text="Note 6").focus()
    page.keyboard.press("F2")
    field = page.locator(".cell-input input")
    expect(field).to_have_value("Note 6")
    watched.settle()
    assert watched.axe() == []
    field.fill("Milk")
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="Title of Milk changed").wait_for()
    # Enter goes on to the record below, Tab to the cell beside it.
    expect(page.locator("a.open:focus")).to_have_text("Note 5")
    page.keyboard.press("F2")
    page.locator(".cell-input input").fill("Bread")
    page.keyboard.press("Tab")
    expect(page.locator(".cell-input")).to_have_count(0)
    expect(page.locator("td[data-field]:focus")).to_have_count(1)
    page.locator(".toast", has_text="Title of Bread changed").wait_for()
    assert set(stored(house)) == {"Milk", "Bread", "Note 4", "Note 3", "Note 2", "Note 1"}
    # Esc leaves it as it was.
    page.locator("a.open", has_text="Note 4").focus()
    page.keyboard.press("F2")
    page.locator(".cell-input input").fill("never")
    page.keyboard.press("Escape")
    expect(page.locator("a.open:focus")).to_have_text("Note 4")
    # And what was changed is taken back.
    page.locator(".toast", has_text="Title of Milk changed").get_by_text("Undo").click()
    page.locator("a.open", has_text="Note 6").wait_for()
    watched.check()
    watched.close()


def test_what_is_refused_stands_as_it_was_and_what_was_typed_is_not_lost(
    browser: Browser, house: RunningServer
) -> None:
    watched, page = begin(browser, house)
    cell = page.locator("tr", has_text="Note 3").locator("td[data-field=priority]")
    cell.dblclick()
    field = page.locator(".cell-input input")
    field.fill("many")
    page.keyboard.press("Enter")
    expect(page.locator(".cell-input .error")).to_be_visible()
    expect(field).to_have_value("many")
    watched.settle()
    assert watched.axe() == []
    # The server has the last word: it is drawn at once, refused, and asked for again.
    field.fill("9" * 30)
    page.keyboard.press("Enter")
    expect(page.locator(".cell-input .error")).to_be_visible()
    expect(field).to_have_value("9" * 30)
    assert stored(house)["Note 3"] == 3
    # A click elsewhere keeps what is right.
    field.fill("4")
    page.locator("h1").click()
    expect(cell).to_have_text("4")
    page.locator(".toast", has_text="changed").wait_for()
    assert stored(house)["Note 3"] == 4
    # Yes and no need no input.
    done = page.locator("tr", has_text="Note 3").locator("td[data-field=done]")
    done.dblclick()
    expect(done.locator(".tick")).to_have_count(1)
    watched.check(allowed=("422",))
    watched.close()


def test_shift_chooses_a_range_and_a_dragged_column_keeps_its_width(browser: Browser, house: RunningServer) -> None:
    watched, page = begin(browser, house)
    checks = page.locator("tbody .check")
    checks.nth(1).click()
    checks.nth(4).click(modifiers=["Shift"])
    expect(page.locator(".how-many")).to_contain_text("4")
    checks.nth(2).click()
    expect(page.locator(".how-many")).to_contain_text("3")
    edge = page.locator("thead th.key .edge")
    box = edge.bounding_box()
    assert box is not None
    before = page.locator("thead th.key").evaluate("node => node.offsetWidth")
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + 84, box["y"] + 4)
    page.mouse.up()
    width = page.locator("thead th.key").evaluate("node => node.offsetWidth")
    assert before + 70 <= width <= before + 90
    page.reload()
    page.locator(".grid tbody tr").first.wait_for()
    assert page.locator("thead th.key").evaluate("node => node.offsetWidth") == width
    page.locator("thead th.key .edge").dblclick()
    assert page.locator("thead th.key").evaluate("node => node.offsetWidth") == before
    watched.check()
    watched.close()


@looks
def test_a_view_is_kept_under_a_name_used_elsewhere_and_brought_back(
    browser: Browser, house: RunningServer, theme: str
) -> None:
    watched, page = begin(browser, house, theme, "otto")
    least, rows_in_it = (4, 3) if theme == "light" else (5, 2)
    page.goto(f"{house.url}/#/data/notes?where=priority__gte%3D{least}&sort=title")
    expect(page.locator(".grid tbody tr")).to_have_count(rows_in_it)
    page.click("[popovertarget=view-menu]")
    page.click("text=Save this view")
    page.fill("#view-name", f"Urgent {theme}")
    watched.settle()
    assert watched.axe() == []
    with page.expect_response(lambda answer: "/api/v1/preferences" in answer.url and answer.request.method == "POST"):
        page.click(".dialog >> text=Keep")
    page.locator(".toast", has_text="is kept").wait_for()
    watched.settle()
    # Another browser of the same person has it as well.
    with sign_in(house.url, "otto", PASSWORD) as client:
        cookies = dict(client.cookies)
        documented = Documented(client.get("/api/openapi.json").json())
        rows = client.get("/api/v1/preferences?key=ui.views.notes").json()["data"]
    assert f"Urgent {theme}" in rows[0]["value"]
    elsewhere = Watched(browser, house.url, theme, 1280, cookies)
    other = elsewhere.open("/#/home", ".plate")
    other.goto(f"{house.url}/#/data/notes")
    expect(other.locator(".grid tbody tr")).to_have_count(6)
    other.click("[popovertarget=view-menu]")
    elsewhere.settle()
    assert elsewhere.axe() == []
    other.click(f".views >> text=Urgent {theme}")
    expect(other.locator(".grid tbody tr")).to_have_count(rows_in_it)
    other.click("[popovertarget=view-menu]")
    other.click(f"[aria-label='Remove the view Urgent {theme}']")
    other.locator(".toast", has_text="is removed").get_by_text("Undo").click()
    other.click("[popovertarget=view-menu]")
    expect(other.locator(".views", has_text=f"Urgent {theme}")).to_have_count(1)
    other.locator(".toast", has_text="taken back").get_by_text("Undo").click()
    expect(other.locator(".views", has_text=f"Urgent {theme}")).to_have_count(0)
    elsewhere.check(documented)
    elsewhere.close()
    watched.check(documented)
    watched.close()


@looks
def test_records_are_added_one_after_the_other_and_one_begins_as_another_is(
    browser: Browser, house: RunningServer, theme: str
) -> None:
    watched, page = begin(browser, house, theme, "otto")
    page.locator(".page-head .btn.primary, .do .btn.primary").first.click()
    page.fill("#field-title", "Milk")
    page.fill("#field-priority", "2")
    page.click("text=Add and start another")
    page.locator(".toast", has_text="Added “Milk”").wait_for()
    expect(page.locator("#field-title")).to_have_value("")
    expect(page.locator("#field-title")).to_be_focused()
    # What is missing is said, and nothing is made of it.
    page.click("text=Add and start another")
    expect(page.locator("#field-title-error")).to_be_visible()
    page.fill("#field-title", "Bread")
    page.keyboard.press("Control+s")
    expect(page.locator(".drawer")).to_have_count(0)
    page.locator("a.open", has_text="Milk").click()
    page.get_by_role("button", name="Add one like it").click()
    expect(page.locator("#record-title")).to_have_text("New note")
    expect(page.locator("#field-title")).to_have_value("Milk")
    expect(page.locator("#field-priority")).to_have_value("2")
    watched.settle()
    assert watched.axe() == []
    page.fill("#field-title", "Oat milk")
    page.keyboard.press("Control+s")
    expect(page.locator(".drawer")).to_have_count(0)
    kept = stored(house, "otto")
    assert {name: kept[name] for name in ("Milk", "Bread", "Oat milk")} == {"Milk": 2, "Bread": None, "Oat milk": 2}
    assert len(kept) == 9
    watched.check()
    watched.close()


def test_after_a_deletion_the_focus_goes_on_where_the_record_was(browser: Browser, house: RunningServer) -> None:
    watched, page = begin(browser, house)
    page.locator("a.open", has_text="Note 4").press("Enter")
    page.locator("#field-title").wait_for()
    page.get_by_role("button", name="Delete note").press("Enter")
    expect(page.locator("a.open", has_text="Note 4")).to_have_count(0)
    expect(page.locator("a.open:focus")).to_have_text("Note 3")
    page.locator("tr", has_text="Note 2").locator(".check").press("Space")
    page.locator(".bulk .danger").press("Enter")
    expect(page.locator("a.open", has_text="Note 2")).to_have_count(0)
    expect(page.locator(".grid thead .check")).to_be_focused()
    watched.check()
    watched.close()
