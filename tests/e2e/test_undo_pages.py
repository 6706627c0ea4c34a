"""Deleting, changing and taking it back, one record or many, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


def test_a_deleted_record_comes_back_and_the_undo_can_be_undone(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes?record=12", "#field-title")
    row = page.locator(".grid >> text=Book the dentist")
    page.click(".drawer >> text=Delete note")
    row.wait_for(state="detached")
    page.click(".toast >> text=Undo")
    row.wait_for()
    page.click(".toast:has-text('taken back') >> text=Undo")
    row.wait_for(state="detached")
    page.locator(".toast:has-text('taken back')").last.get_by_text("Undo").click()
    row.wait_for()
    at_desk.settle()
    assert at_desk.axe() == []
    at_desk.check(documented)


def test_chosen_rows_are_changed_and_deleted_together_and_taken_back(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes?sort=id", ".grid tbody tr")
    titles = ("Sort the winter clothes", "Order water filters")
    for title in titles:
        page.check(f'input[aria-label="Select {title}"]')
    page.click(".bulk >> text=Change")
    page.select_option("#bulk-field", "priority")
    page.fill("#bulk-value", "many")
    page.click("dialog button[type=submit]")
    page.locator("#bulk-value-error").wait_for()
    assert at_desk.axe() == []
    page.fill("#bulk-value", "77")
    page.click("dialog button >> text=Change 2 notes")
    expect(page.locator(".grid td.n >> text=77")).to_have_count(2)
    page.click(".toast >> text=Undo")
    expect(page.locator(".grid td.n >> text=77")).to_have_count(0)
    for title in titles:
        page.check(f'input[aria-label="Select {title}"]')
    page.click(".bulk >> text=Delete 2 notes")
    page.locator(f".grid >> text={titles[0]}").wait_for(state="detached")
    page.click(".toast:has-text('Deleted') >> text=Undo")
    page.locator(f".grid >> text={titles[0]}").wait_for()
    at_desk.settle()
    at_desk.check(documented)


def test_all_that_match_are_counted_before_they_go(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/", ".plate")
    page.evaluate("""async () => {
        const one = (_none, at) => ({verb: "create", model: "notes", values: {title: `Bulk ${at}`, priority: 50}});
        const body = JSON.stringify({operations: Array.from({length: 60}, one)});
        await fetch("/api/v1/batch", {method: "POST", headers: {"content-type": "application/json"}, body});
    }""")
    page = at_desk.open("/#/data/notes?where=priority=50", ".grid tbody tr")
    page.check("input[aria-label='Select all rows of this page']")
    page.click("text=Select all 60 that match")
    page.click(".bulk >> text=Delete 60 notes")
    assert page.locator("dialog h2").inner_text() == "Delete 60 notes?"
    at_desk.settle()
    assert at_desk.axe() == []
    page.click("dialog button.danger")
    page.locator("text=No notes match").wait_for()
    page.click(".toast >> text=Undo")
    page.locator(".grid-foot >> text=of 60").wait_for()
    page.evaluate("fetch('/api/v1/notes/bulk?priority=50', {method: 'DELETE'})")
    at_desk.settle()
    at_desk.check(documented)


def test_the_history_of_a_record_puts_an_earlier_version_back(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes?record=5", "#field-title")
    page.fill("#field-title", "Read chapter 5")
    page.click("text=Save 1 change")
    page.locator(".grid >> text=Read chapter 5").wait_for()
    page.click(".drawer [role=tab] >> text=History")
    change = page.locator(".history li", has_text="Read chapter 5")
    expect(change.locator("del")).to_have_text("Read chapter 4")
    assert at_desk.axe() == []
    change.get_by_role("button", name="Put back as before").click()
    page.locator(".grid >> text=Read chapter 4").wait_for()
    page.locator(".drawer h2 >> text=Read chapter 4").wait_for()
    page.click(".drawer [role=tab] >> text=API")
    page.locator(".drawer .copyable").first.wait_for()
    assert at_desk.axe() == []
    at_desk.settle()
    at_desk.check(documented)


def test_deleted_records_are_listed_and_brought_back(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes", ".grid tbody tr")
    page.evaluate("fetch('/api/v1/notes/9', {method: 'DELETE'})")
    page.locator(".grid tr.gone").wait_for()
    page.click("[popovertarget=model-menu]")
    page.click("#model-menu >> text=Deleted records")
    page.locator(".deleted li >> text=Fix the back door").wait_for()
    at_desk.settle()
    assert at_desk.axe() == []
    page.locator(".deleted li", has_text="Fix the back door").get_by_role("button", name="Bring back").click()
    page.click(".toast >> text=Open it")
    page.locator(".drawer h2 >> text=Fix the back door").wait_for()
    at_desk.settle()
    at_desk.check(documented)


def test_rows_follow_what_happens_elsewhere(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes?where=priority__gte=1", ".grid tbody tr")
    send = "([method, path, body]) => fetch(path, {method, headers: {'content-type': 'application/json'}, body})"
    page.evaluate(send, ["PATCH", "/api/v1/notes/1", '{"title": "Descale the kettle"}'])
    page.locator(".grid >> text=Descale the kettle").wait_for()
    page.evaluate(send, ["POST", "/api/v1/notes", '{"title": "Out of sight", "priority": 0}'])
    page.evaluate(send, ["POST", "/api/v1/notes", '{"title": "Buy honey", "priority": 3}'])
    page.locator(".new-rows >> text=1 new row").wait_for()
    assert page.locator(".grid >> text=Buy honey").count() == 0
    page.click(".new-rows")
    page.locator(".grid >> text=Buy honey").wait_for()
    page.locator(".new-rows").wait_for(state="detached")
    at_desk.settle()
    at_desk.check(documented)


def test_search_order_and_columns_stand_in_the_address(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes", ".grid tbody tr")
    page.keyboard.press("/")
    page.keyboard.type("boat")
    page.locator(".grid-foot >> text=1 to 1 of 1").wait_for()
    assert "q=boat" in page.url
    page.fill(".search input", "")
    page.locator(".grid-foot >> text=1 to 1 of 1").wait_for(state="detached")
    page.click(".grid thead >> text=Done")
    page.locator(".grid thead >> text=Priority").click(modifiers=["Shift"])
    page.locator(".grid thead >> text=Priority").click(modifiers=["Shift"])
    expect(page.locator(".grid-foot code")).to_contain_text("sort=done,-priority")
    page.click("[popovertarget=column-menu]")
    page.uncheck("#column-menu label:has-text('Body') input")
    expect(page.locator(".grid thead >> text=Body")).to_have_count(0)
    assert at_desk.axe() == []
    assert "columns=" in page.url
    page.click("#column-menu >> text=Show all columns")
    page.locator(".grid thead >> text=Body").wait_for()
    page.locator(".grid thead >> text=Created").wait_for()
    page.click("#column-menu >> text=Usual columns")
    expect(page.locator(".grid thead >> text=Created")).to_have_count(0)
    assert "columns=" not in page.url
    at_desk.settle()
    at_desk.check(documented)


def test_a_head_tells_the_type_of_its_column_and_the_usual_columns_fit_a_laptop(at_desk: Watched) -> None:
    page = at_desk.open("/#/data/notes", ".grid tbody tr")
    heads = page.locator(".grid thead th button")
    found = {head.inner_text(): head.get_attribute("title") or "" for head in heads.all()}
    assert found["Priority"].startswith("Whole number.") and found["Done"].startswith("Yes or no.")
    assert found["Owner"].startswith("Relation.") and "Created" not in found
    uses = page.locator(".grid thead th:has-text('Due') use").first
    assert (uses.get_attribute("href") or "").endswith("/ui/icons.svg#clock")
    wrap = page.locator(".grid-wrap")
    assert wrap.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    at_desk.open("/#/data/audit_entries", ".grid tbody tr")
    assert page.locator(".grid thead th").nth(1).inner_text() == "Created"
    at_desk.check()


def test_what_is_filtered_is_what_is_exported(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes?where=priority__gte=5&sort=title", ".grid tbody tr")
    page.click("[popovertarget=model-menu]")
    with page.expect_download() as download:
        page.click("#model-menu >> text=Export these rows as CSV")
    text = download.value.path().read_text("utf-8")
    assert download.value.suggested_filename == "notes.csv"
    assert "Renew the passport" in text and "Weekly shop" not in text
    at_desk.check(documented)


def test_a_filter_is_built_without_the_words_of_the_api(at_desk: Watched, documented: Documented) -> None:
    page = at_desk.open("/#/data/notes", ".grid tbody tr")
    page.click("[popovertarget=filter-menu]")
    page.fill("#filter-value", "passport")
    assert at_desk.axe() == []
    page.click("#filter-menu button >> text=Filter")
    page.locator(".grid-foot >> text=1 to 1 of 1").wait_for()
    expect(page.locator(".grid-foot code")).to_contain_text("title__ilike=%passport%")
    page.click("[popovertarget=filter-menu]")
    page.select_option("#filter-field", "priority")
    page.select_option("#filter-condition", "gte")
    page.fill("#filter-value", "high")
    page.click("#filter-menu button >> text=Filter")
    page.locator("#filter-menu .error").wait_for()
    page.fill("#filter-value", "6")
    page.keyboard.press("Enter")
    page.locator("text=No notes match").wait_for()
    page.click("text=Clear the filter")
    page.locator(".grid tbody tr").first.wait_for()
    at_desk.settle()
    at_desk.check(documented)
