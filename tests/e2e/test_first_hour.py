"""The product in one test: what a stranger does in the first hour, with the real process, browser and MCP server."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.server_process import RunningServer
from tests.e2e.watched_page import CHROMIUM, Watched, open_browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]

PASSWORD = "a calm bear in a den"
INTERNAL = "the internal secret of the tests"
TIME_SERVER = Path(sys.executable).parent / "mcp-server-time"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "data", env={"INTERNAL_API_SECRET": INTERNAL}) as running:
        yield running


def _client(server: RunningServer, token: str = "") -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(base_url=server.url, headers=headers, timeout=30)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` in a thread of its own: Playwright's loop holds this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _token(server: RunningServer, name: str) -> str:
    done = server.cli(["token", "create", name])
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def test_the_first_hour_of_a_stranger(server: RunningServer) -> None:
    with _client(server) as nobody:
        assert nobody.get("/healthz").json() == {"status": "ok"}
        assert nobody.get("/api/v1/notes").json()["code"] == "setup_required"

    with open_browser() as browser:
        page = Watched(browser, server.url)
        _set_up(server, page)
        token = _token(server, "maja")
        with _client(server, token) as maja:
            _sign_in_as_a_script(server)
            _keep_notes(maja)
            _receive_a_webhook(server, maja)
            _be_notified_by_a_program(server, maja)
            _add_mcp_servers(maja)
            for mode in ("legacy", "2026-07-28"):
                _run(_use_tools(server, token, mode))
            _see_it_all_in_the_page(page, maja)
            _another_person_sees_nothing_of_it(server, maja)
        page.check(allowed=("401", "422"))
        page.close()

    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5.0, server.log


def _set_up(server: RunningServer, page: Watched) -> None:
    page.page.goto(server.setup_link)
    page.page.fill("#username", "maja")
    page.page.fill("#password", PASSWORD)
    page.page.fill("#confirm", PASSWORD)
    page.page.click("button[type=submit]")
    page.page.locator(".plate").wait_for()
    twice = server.cli(["user", "create", "maja", "--admin", "--password-stdin"], f"{PASSWORD}\n")
    assert twice.returncode == 3 and "exists" in twice.stderr


def _sign_in_as_a_script(server: RunningServer) -> None:
    with _client(server) as script:
        answer = script.post(
            "/auth/login", data={"username": "maja", "password": PASSWORD}, headers={"accept": "application/json"}
        )
        assert answer.status_code == 200 and "gridbear_session_token" in answer.headers["set-cookie"]
        assert script.get("/auth/me").json()["data"]["username"] == "maja"
        assert script.post("/auth/logout").status_code == 200
        assert script.get("/auth/me").status_code == 401


def _keep_notes(maja: httpx2.Client) -> None:
    for number in range(1, 6):
        made = maja.post("/api/v1/notes", json={"title": f"Note {number}", "priority": number, "tags": ["first"]})
        assert made.status_code == 201 and made.headers["location"] == f"/api/v1/notes/{number}"
    found = maja.get("/api/v1/notes?priority__gte=3&sort=-priority&limit=2").json()
    assert [row["title"] for row in found["data"]] == ["Note 5", "Note 4"] and found["count"] == 3
    assert maja.patch("/api/v1/notes/2", json={"done": True}).json()["data"]["done"] is True
    assert maja.put("/api/v1/notes/2", json={"title": "New"}).json()["data"]["priority"] is None
    assert maja.delete("/api/v1/notes/2").json() == {"ok": True, "data": None}
    assert maja.get("/api/v1/notes/2").status_code == 404
    wrong = maja.post("/api/v1/notes", json={"titel": "x"})
    assert wrong.status_code == 422 and set(wrong.json()["fields"]) == {"titel", "title"}


def _receive_a_webhook(server: RunningServer, maja: httpx2.Client) -> None:
    secret = maja.post("/api/webhook-inbox/secret").json()["data"]["secret"]
    body = json.dumps({"zen": "Keep it logically awesome."}).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1", "Content-Type": "application/json"}
    with _client(server) as sender:
        for bad in ({}, {"X-Hub-Signature-256": "sha256=" + "0" * 64}):
            refused = sender.post("/api/webhook-inbox/", content=body, headers={**headers, **bad})
            assert refused.status_code == 401
        assert maja.get("/api/v1/webhook_inbox_deliveries").json()["count"] == 0
        good = {**headers, "X-Hub-Signature-256": signature}
        assert sender.post("/api/webhook-inbox/", content=body, headers=good).status_code == 201
        assert sender.post("/api/webhook-inbox/", content=body, headers=good).status_code == 200
        huge = sender.post("/api/webhook-inbox/", content=b"x" * (1 << 21), headers=good)
        assert huge.status_code == 413
    kept = maja.get("/api/v1/webhook_inbox_deliveries").json()
    assert kept["count"] == 1 and "logically" in kept["data"][0]["body"] and kept["data"][0]["event"] == "ping"
    assert maja.get("/api/v1/notifications").json()["count"] == 1


def _be_notified_by_a_program(server: RunningServer, maja: httpx2.Client) -> None:
    with _client(server, INTERNAL) as program:
        assert program.get("/api/internal/health").json()["data"]["status"] == "ok"
        told = program.post("/api/internal/notifications", json={"title": "The cake is ready", "username": "maja"})
        assert told.status_code == 201
        assert program.get("/api/v1/notes").status_code == 403
    assert maja.get("/api/internal/health").status_code == 401
    assert "The cake is ready" in [row["title"] for row in maja.get("/api/v1/notifications").json()["data"]]


def _add_mcp_servers(maja: httpx2.Client) -> None:
    server = {"name": "time", "transport": "stdio", "command": str(TIME_SERVER), "env": {"HIDDEN": "canary-7"}}
    assert maja.post("/api/v1/mcp_servers", json=server).status_code == 201
    broken = {
        "name": "broken",
        "transport": "stdio",
        "command": sys.executable,
        "args": ["-c", "raise SystemExit('no')"],
    }
    assert maja.post("/api/v1/mcp_servers", json=broken).status_code == 201
    assert "canary-7" not in maja.get("/api/v1/mcp_servers").text


async def _use_tools(server: RunningServer, token: str, mode: Any) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        async with Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=mode) as all_:
            names = [tool.name for tool in (await all_.list_tools()).tools]
            assert {"time__get_current_time", "async_run_tool"} <= set(names)
            assert not any(name.startswith("broken") for name in names)
            called = await all_.call_tool("time__get_current_time", {"timezone": "Europe/Stockholm"})
            assert not called.is_error and "Stockholm" in str(called.content)
            call = {"tool_name": "time__get_current_time", "arguments": {"timezone": "UTC"}}
            started: Any = (await all_.call_tool("async_run_tool", call)).structured_content
            status: Any = {}
            for _ in range(200):
                asked = await all_.call_tool("async_task_status", {"task_id": started["task_id"]})
                status = asked.structured_content
                if status["status"] not in ("queued", "running"):
                    break
            assert status["status"] == "completed" and "UTC" in json.dumps(status["result"])
        async with Client(streamable_http_client(f"{server.url}/mcp/time", http_client=http), mode=mode) as one:
            assert "get_current_time" in [tool.name for tool in (await one.list_tools()).tools]


def _see_it_all_in_the_page(page: Watched, maja: httpx2.Client) -> None:
    state = {one["name"]: one for one in maja.get("/api/v1/gateway").json()["data"]["servers"]}
    assert state["time"]["state"] == "ready" and len(state["time"]["tools"]) == 2
    assert state["broken"]["state"] == "failed" and "no" in state["broken"]["stderr"]
    home = page.open("/", ".plate")
    home.locator(".server", has_text="broken").wait_for()
    assert "The cake is ready" in home.inner_text("main") and "2 tools" in home.inner_text("main")
    home.goto(f"{page.base}/#/data/notes")
    home.click("text=Add note")
    home.fill("#field-title", "Written in the page")
    home.click(".drawer button[type=submit]")
    home.locator(".grid >> text=Written in the page").wait_for()
    assert maja.get("/api/v1/notes?title=Written in the page").json()["count"] == 1
    home.click(".grid >> text=Written in the page")
    home.fill("#field-title", "Changed in the page")
    home.click("text=Save 1 change")
    home.locator(".grid >> text=Changed in the page").wait_for()
    assert maja.get("/api/v1/notes?title=Changed in the page").json()["count"] == 1
    home.click(".drawer >> text=Delete note")
    home.locator(".grid >> text=Changed in the page").wait_for(state="detached")
    assert maja.get("/api/v1/notes?title=Changed in the page").json()["count"] == 0


def _another_person_sees_nothing_of_it(server: RunningServer, maja: httpx2.Client) -> None:
    server.create_user("otto", PASSWORD)
    token = _token(server, "otto")
    with _client(server, token) as otto:
        for model in ("notes", "notifications", "tasks"):
            assert otto.get(f"/api/v1/{model}").json() == {"ok": True, "data": [], "count": 0}, model
        assert [row["username"] for row in otto.get("/api/v1/users").json()["data"]] == ["otto"]
        for model in ("mcp_servers", "settings", "webhook_inbox_deliveries"):
            assert otto.get(f"/api/v1/{model}").status_code == 403, model
        for verb in ("GET", "PATCH", "DELETE"):
            assert otto.request(verb, "/api/v1/notes/1", json={}).status_code == 404
        assert otto.get("/api/v1/gateway").json()["data"]["servers"] == []
        assert "mcp_servers" not in [model["name"] for model in otto.get("/api/v1/models").json()["data"]]
        assert (
            otto.post("/api/v1/mcp_servers", json={"name": "x", "transport": "stdio", "command": "id"}).status_code
            == 403
        )
        tasks = maja.get("/api/v1/tasks").json()["data"]
        assert tasks and otto.get(f"/api/v1/tasks/{tasks[0]['id']}").status_code == 404
    names = _run(_tool_names(server, token))
    assert names and not any(name.startswith("time") for name in names)


async def _tool_names(server: RunningServer, token: str) -> list[str]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode="2026-07-28") as client,
    ):
        return [tool.name for tool in (await client.list_tools()).tools]
