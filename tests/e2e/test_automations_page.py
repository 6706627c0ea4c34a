"""The Automations page: tasks, schedules and webhooks, as an admin and as a member."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from demo_data import sign_in
from people import PASSWORD, documented_by, signed_in
from playwright.sync_api import Browser, expect
from server_process import RunningServer
from watched_page import CHROMIUM, Documented, Watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]
TASKS = """
import os
from server.plugin_api import BadRequest, Report, task

@task(process=True)
async def crunch(report: Report) -> None:
    report.log("crunching in a process of its own")
    report.progress(0.25, "a quarter is done")
    while True:
        pass

@task()
async def fails(report: Report) -> None:
    report.log("about to fail")
    raise BadRequest("the numbers don't add up")

@task(process=True)
async def dies() -> None:
    os._exit(9)
"""
ROUTES = """
from fastapi import APIRouter
from server.plugin_api import Caller, Context
router = APIRouter()
@router.post("/{name}")
async def begin(name: str, caller: Caller, plugin: Context) -> str:
    return await plugin.start_task(name, caller, f"The task {name}")
"""
looks = pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "data") as server:
        server.create_user("maja", PASSWORD, admin=True)
        server.create_user("otto", PASSWORD)
        yield server


@looks
def test_schedules_begin_pause_and_leave_tasks_and_webhooks_tell_how_it_went(
    browser: Browser, house: RunningServer, theme: str, width: int
) -> None:
    documented = documented_by(house)
    watched = signed_in(browser, house, "maja", theme, width)
    page = watched.open("/#/automations", ".empty")
    assert watched.axe() == []
    with sign_in(house.url, "maja", PASSWORD) as client:
        tea = {"name": "tea", "task": "remind", "input": {"title": "Tea is ready"}, "cron": "0 16 * * *"}
        assert client.post("/api/v1/schedules", json=tea).status_code == 201
        hook = {"name": "kitchen", "url": "https://receiver.invalid/hook", "events": ["notes"]}
        assert client.post("/api/v1/webhooks", json=hook).status_code == 201
    page.click("[role=tab] >> text=Schedules")
    row = page.locator(".schedule", has_text="tea")
    expect(row).to_contain_text("0 16 * * *")
    row.locator("[role=switch]").click()
    expect(row.locator("[role=switch]")).not_to_be_checked()
    row.locator("[role=switch]").click()
    expect(row.locator("[role=switch]")).to_be_checked()
    row.locator("text=Run now").click()
    page.locator(".toast", has_text="tea has begun").wait_for()
    watched.settle()
    assert watched.axe() == []
    page.click("[role=tab] >> text=Tasks")
    task = page.locator(".calls li", has_text="tea")
    expect(task.locator(".state.ok")).to_have_count(1)
    task.locator("summary").click()
    expect(task).to_contain_text("Tea is ready")
    watched.settle()
    assert watched.axe() == []
    page.click("[role=tab] >> text=Webhooks")
    page.click("text=Send an example")
    delivery = page.locator(".calls details").first
    delivery.locator("summary").click()
    expect(delivery.locator(".note.bad")).to_be_visible()
    watched.settle()
    assert watched.axe() == []
    watched.check(documented)
    watched.close()


@looks
def test_a_schedule_is_written_from_the_empty_page_with_a_task_that_is_chosen(
    browser: Browser, house: RunningServer, theme: str, width: int
) -> None:
    with sign_in(house.url, "otto", PASSWORD) as client:
        documented = Documented(client.get("/api/openapi.json").json())
        watched = Watched(browser, house.url, theme, width, dict(client.cookies))
        page = watched.open("/#/automations/schedules", ".empty")
        address = page.locator(".empty code")
        expect(address).to_contain_text(f"{house.url}/api/v1/schedules")
        # One button for it, in the middle, as long as there is nothing else to see.
        expect(page.locator(".btn.primary")).to_have_count(1)
        page.click(".empty >> text=New schedule")
        page.fill("#field-name", "tea")
        page.select_option("#field-task", "remind")
        page.locator(".field >> text=Notify me").last.wait_for()
        page.fill("#field-input", '{"title": "Tea is ready"}')
        page.fill("#field-cron", "0 16 * * *")
        watched.settle()
        assert watched.axe() == []
        page.click(".drawer button[type=submit]")
        page.locator(".drawer").wait_for(state="detached")
        [made] = client.get("/api/v1/schedules").json()["data"]
        assert (made["task"], made["input"]) == ("remind", {"title": "Tea is ready"})
        # Back where it was wanted, and not among all data.
        expect(page.locator(".schedule", has_text="tea")).to_have_count(1)
        expect(page.locator(".page-head >> text=New schedule")).to_have_count(1)
        watched.settle()
        watched.check(documented)
        watched.close()


def test_a_member_has_tasks_and_schedules_of_their_own_alone(browser: Browser, house: RunningServer) -> None:
    with sign_in(house.url, "maja", PASSWORD) as client:
        tea = {"name": "tea of maja", "task": "remind", "input": {"title": "Tea"}, "cron": "0 16 * * *"}
        assert client.post("/api/v1/schedules", json=tea).status_code == 201
    watched = signed_in(browser, house, "otto")
    page = watched.open("/#/automations/schedules", ".empty")
    assert page.locator("[role=tab]").all_inner_texts() == ["Tasks", "Schedules"]
    assert "tea of maja" not in page.content()
    watched.check()
    watched.close()


@looks
def test_tasks_of_a_plugin_tell_how_far_they_are_and_are_ended_and_done_again(
    browser: Browser, house: RunningServer, theme: str, width: int
) -> None:
    folder = house.data_dir / "plugins" / "numbers"
    (folder / "api").mkdir(parents=True)
    (folder / "manifest.json").write_text('{"name": "numbers", "version": "1", "permissions": ["tasks"]}')
    (folder / "tasks.py").write_text(TASKS)
    (folder / "api" / "routes.py").write_text(ROUTES)
    with sign_in(house.url, "maja", PASSWORD) as client:
        assert client.post("/api/v1/plugins/numbers/enable", json={"permissions": ["tasks"]}).status_code == 200

    with sign_in(house.url, "otto", PASSWORD) as client:
        watched = Watched(browser, house.url, theme, width, dict(client.cookies))
        page = watched.open("/#/automations", ".empty")
        begin(client, "crunch")
        row = page.locator(".calls li", has_text="The task crunch")
        row.locator(".state.busy").wait_for()
        row.locator("summary").click()
        row.locator(".call-body >> text=a quarter is done").wait_for()
        expect(row.locator("progress")).to_have_attribute("value", "0.25")
        expect(row.locator("pre[aria-label=Log]")).to_contain_text("crunching in a process of its own")
        watched.settle()
        assert watched.axe() == []
        row.locator("text=Cancel it").click()
        expect(row.locator(".state.off")).to_have_count(1)
        row.locator("text=Once more").click()
        again = page.locator(".calls li", has_text="a quarter is done")
        again.locator(".state.busy").wait_for()
        again.locator("summary").click()
        again.locator("text=Cancel it").click()
        expect(page.locator(".calls .state.off")).to_have_count(2)

        begin(client, "fails")
        failed = page.locator(".calls li", has_text="The task fails")
        failed.locator(".state.bad").wait_for()
        failed.locator("summary").click()
        expect(failed.locator(".note.bad")).to_have_text("the numbers don't add up")
        expect(failed.locator("pre[aria-label=Log]")).to_contain_text("about to fail")
        begin(client, "dies")
        died = page.locator(".calls li", has_text="The task dies")
        died.locator(".state.bad").wait_for()
        died.locator("summary").click()
        expect(died.locator(".note.bad")).to_contain_text("exit code 9")
        watched.settle()
        assert watched.axe() == []
        watched.check()
        watched.close()


def begin(client: httpx2.Client, name: str) -> None:
    assert client.post(f"/api/numbers/{name}").status_code == 200
