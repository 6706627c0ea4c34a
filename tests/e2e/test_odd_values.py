"""Values that no form would have made, and ways of typing that not everybody has: shown and kept as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
HUGE = 9_007_199_254_740_993
PARTS: dict[str, Any] = {
    "name": "parts", "label": "Part", "label_plural": "Parts", "members": "own",
    "fields": [
        {"name": "title", "type": "text", "required": True},
        {"name": "weight", "type": "number"},
        {"name": "serial", "type": "integer", "maximum": HUGE},
    ],
}  # fmt: skip
COMPOSING = """it => it.dispatchEvent(new KeyboardEvent("keydown",
    {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("odd") / "data") as server:
        for name in ("maja", "otto"):
            server.create_user(name, PASSWORD, admin=True)
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(server.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/models", json=PARTS).status_code == 201
        yield client


@pytest.fixture
def watched(browser: Browser, server: RunningServer, client: httpx2.Client) -> Iterator[Watched]:
    watched = Watched(browser, server.url, cookies=dict(client.cookies))
    yield watched
    watched.check()
    watched.close()


def replying(data: Any) -> Any:
    """What answers requests in the server's place."""
    body = json.dumps({"ok": True, "data": data})
    return lambda route: route.fulfill(content_type="application/json", body=body)


def part(client: httpx2.Client, **values: Any) -> int:
    reply = client.post("/api/v1/parts", json={"title": "Axle", **values})
    assert reply.status_code == 201, reply.text
    return int(reply.json()["data"]["id"])


def test_lines_that_a_program_wrote_into_a_text_stay_lines(watched: Watched, client: httpx2.Client) -> None:
    one = part(client, title="Front axle\nwith bearings")
    page = watched.open(f"/#/data/parts?record={one}", "#field-title")
    page.locator("#field-title").press("Control+End")
    page.keyboard.type(", two")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get(f"/api/v1/parts/{one}").json()["data"]["title"] == "Front axle\nwith bearings, two"


def test_thousands_are_read_as_whoever_types_them_means_them(watched: Watched, client: httpx2.Client) -> None:
    one = part(client, weight=2.5)
    page = watched.open(f"/#/data/parts?record={one}", "#field-weight")
    page.fill("#field-weight", "1,234")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get(f"/api/v1/parts/{one}").json()["data"]["weight"] == 1234


def test_a_model_with_a_limit_beyond_what_a_browser_counts_is_designed_on(
    watched: Watched, client: httpx2.Client
) -> None:
    page = watched.open("/#/data/parts/design", "#design-plural")
    page.fill("#design-description", "Of the workshop")
    page.locator("main footer .btn.primary").click()
    page.wait_for_url("**/#/data/parts")
    definition = client.get("/api/v1/models/parts/definition").json()["data"]
    assert [one["maximum"] for one in definition["fields"] if one["name"] == "serial"] == [HUGE]
    assert definition["description"] == "Of the workshop"


def test_a_word_with_a_comma_stays_one_when_another_is_added(watched: Watched, client: httpx2.Client) -> None:
    words = ["a, b", '"so"', "plain"]
    made = client.post("/api/v1/notes", json={"title": "Words", "tags": words}).json()["data"]
    page = watched.open(f"/#/data/notes?record={made['id']}", "#field-tags")
    page.locator("#field-tags").press("End")
    page.keyboard.type(', more, 5" wide')
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get(f"/api/v1/notes/{made['id']}").json()["data"]["tags"] == [*words, "more", '5" wide']


def test_lines_and_nothing_stay_within_an_argument(watched: Watched, client: httpx2.Client) -> None:
    server = {"name": "lines", "transport": "stdio", "command": "python3", "enabled": False}
    args = ["-c", "import this\nprint(1)", ""]
    made = client.post("/api/v1/mcp_servers", json={**server, "args": args})
    assert made.status_code == 201, made.text
    path = f"/api/v1/mcp_servers/{made.json()['data']['id']}"
    page = watched.open(f"/#/data/mcp_servers?record={path.rsplit('/', 1)[1]}", "#field-args")
    field = page.locator("#field-args")
    assert json.loads(field.input_value()) == args
    field.fill(json.dumps([*args, "more"]))
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get(path).json()["data"]["args"] == [*args, "more"]


def test_a_text_that_looks_like_a_mark_of_ours_hides_no_rows(watched: Watched, client: httpx2.Client) -> None:
    title = "\ue000big:none, 1234567890123456"
    part(client, title=title)
    part(client, title="\ue000big:1234567890123456")
    page = watched.open("/#/data/parts", "a.open")
    page.locator("a.open", has_text="none, 1234567890123456").click()
    expect(page.locator("#field-title")).to_have_value(title)


def test_an_hour_that_clocks_leave_out_is_not_taken_for_another(watched: Watched, client: httpx2.Client) -> None:
    made = client.post("/api/v1/notes", json={"title": "Early"}).json()["data"]
    zone = watched.context.new_cdp_session(watched.page)
    zone.send("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
    page = watched.open(f"/#/data/notes?record={made['id']}", "#field-due_at")
    page.fill("#field-due_at", "2026-03-29T02:30")
    page.click("text=Save 1 change")
    page.locator("#field-due_at-error", has_text="no such time").wait_for()
    page.fill("#field-due_at", "2026-03-29T03:30")
    page.click("text=Save 1 change")
    page.locator(".toast", has_text="Saved").wait_for()
    assert client.get(f"/api/v1/notes/{made['id']}").json()["data"]["due_at"].startswith("2026-03-29T01:30:00")


def test_a_tool_and_its_arguments_may_have_names_that_every_object_answers_to(watched: Watched) -> None:
    named = {"constructor": {"type": "string"}, "__proto__": {"type": "number"}, "toString": {"type": "string"}}
    schema = '{"type": "object", "properties": ' + json.dumps(named) + "}"
    tool: dict[str, Any] = {"description": "", "annotations": {}, "enabled": True, "state": "approved", "kind": "tool"}
    tools = [
        {**tool, "name": name, "original_name": name, "public_name": f"odd__{name}", "input_schema": json.loads(schema)}
        for name in ("constructor", "__proto__")
    ]
    about: dict[str, Any] = {"id": 1, "name": "odd", "enabled": True, "state": "ready", "transport": "stdio"}
    answers = {
        "**/api/v1/gateway": {"servers": [{**about, "count": 2}]},
        "**/api/v1/gateway/1/tools": tools,
        "**/api/v1/gateway/call": {"result": {"content": [{"type": "text", "text": "Done so"}]}, "took_ms": 1},
    }
    for pattern, data in answers.items():
        watched.context.route(pattern, replying(data))
    page = watched.open("/#/tools/1", "#argument-0")
    for name in ("constructor", "__proto__"):
        page.locator(".choice", has_text=name).click()
        expect(page.locator(".choice[aria-selected=true]")).to_contain_text(name)
        for at in range(3):
            expect(page.locator(f"#argument-{at}")).to_have_value("")
        page.fill("#argument-0", "Ada")
        page.fill("#argument-1", "1,234")
        with page.expect_request("**/api/v1/gateway/call") as called:
            page.get_by_role("button", name="Run", exact=True).click()
        sent = called.value.post_data or ""
        assert json.loads(sent)["arguments"] == {"constructor": "Ada", "__proto__": 1234}
        page.locator(".reply-side", has_text="Done so").wait_for()
    watched.context.unroute_all()


def test_enter_that_ends_a_composition_chooses_nothing(watched: Watched) -> None:
    page = watched.open("/#/data/group_members?record=new", "#field-user_id")
    page.click("#field-user_id")
    page.locator("#field-user_id-list li", has_text="otto").wait_for()
    page.locator("#field-user_id").evaluate(COMPOSING)
    expect(page.locator("#field-user_id")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#field-user_id")).to_have_value("")
