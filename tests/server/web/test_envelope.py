"""Every refusal has one shape, whatever part of the program refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from server.db.store import Store
from server.errors import Busy, StorageFull
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio

SECRET = "the internal secret of the tests"
ROUTES = """
from typing import Annotated
from fastapi import APIRouter, Body
from server.plugin_api import Caller, Context
router = APIRouter()
@router.post("/notes", status_code=201)
async def note(caller: Caller, plugin: Context, title: Annotated[str, Body(embed=True)]):
    return await plugin.records_as(caller).create("notes", {"title": title})
@router.get("/notes/{number}")
async def one(number: int, caller: Caller, plugin: Context):
    return await plugin.records_as(caller).get("notes", number)
@router.get("/people")
async def people(caller: Caller, plugin: Context):
    return await plugin.records_as(caller).find("groups")
@router.post("/groups")
async def group(caller: Caller, plugin: Context):
    await plugin.records_as(caller).create("groups", {"name": "one"})
    return await plugin.records_as(caller).create("groups", {"name": "one"})
@router.get("/fails")
async def fails():
    raise RuntimeError("private detail")
"""
HUGE = b'{"title": "%s"}' % (b"x" * 17_000_000)
JSON = {"content-type": "application/json"}
CALL = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'


def shaped(answer: httpx2.Response, status: int, *fields: str) -> dict[str, Any]:
    """The refusal, which has nothing but what it must and may have."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert {"ok", "error", "code", "request_id"} <= set(body)
    assert set(body) <= {"ok", "error", "code", "fields", "request_id", "retry_after"}
    assert body["ok"] is False and body["error"].strip() and len(body["request_id"]) == 16
    assert body["code"].replace("_", "").isalnum() and body["code"] == body["code"].lower()
    assert answer.headers["x-request-id"] == body["request_id"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ("retry_after" in body) is ("retry-after" in answer.headers)
    for problem in body.get("fields", {}).values():
        assert set(problem) == {"code", "message"} and problem["code"] and problem["message"]
    assert set(fields) <= set(body.get("fields", {}))
    for private in ("Traceback", "sqlite3", "private detail", "site-packages", "INSERT INTO"):
        assert private not in answer.text
    return body


@pytest.fixture
async def bear(tmp_path: Path, anyio_backend: str) -> AsyncIterator[Bear]:
    folder = tmp_path / "data" / "plugins" / "thrower"
    (folder / "api").mkdir(parents=True)
    manifest = {"name": "thrower", "display_name": "T", "version": "1.0.0", "description": "Fails.", "author": "T",
                "type": "service", "permissions": ["records:read", "records:write"]}  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "api" / "routes.py").write_text(ROUTES)
    async with running_bear(tmp_path / "data", internal_api_secret=SECRET, mcp_body_bytes=1_000_000) as running:
        assert (await running.app.plugins.enable(SYSTEM, "thrower", manifest["permissions"]))["state"] == "on"
        yield running


REFUSALS: list[tuple[int, str, str, str, dict[str, Any]]] = [
    (400, "max", "POST", "/api/v1/notes", {"content": b"{"}),
    (400, "max", "POST", "/api/v1/batch", {"content": b"{"}),
    (400, "max", "POST", "/api/thrower/notes", {"content": b"{", "headers": JSON}),
    (400, "program", "POST", "/api/internal/notifications", {"content": b"{", "headers": JSON}),
    (401, "nobody", "GET", "/api/v1/notes", {}),
    (401, "nobody", "GET", "/api/v1/notes/aggregate", {}),
    (401, "nobody", "GET", "/api/v1/nothing/of/this", {}),
    (401, "nobody", "GET", "/api/thrower/people", {}),
    (401, "nobody", "POST", "/mcp", {"content": CALL, "headers": JSON}),
    (401, "nobody", "POST", "/api/internal/notifications", {"json": {}}),
    (403, "max", "GET", "/api/v1/groups", {}),
    (403, "max", "GET", "/api/v1/groups/aggregate", {}),
    (403, "max", "GET", "/api/thrower/people", {}),
    (403, "reader", "POST", "/mcp", {"content": CALL, "headers": JSON}),
    (403, "max", "GET", "/api/v1/notes", {"headers": {"host": "elsewhere.example"}}),
    (403, "reader", "POST", "/api/v1/notes", {"json": {"title": "x"}}),
    (404, "max", "GET", "/api/v1/notes/4711", {}),
    (404, "max", "GET", "/api/v1/birds", {}),
    (404, "max", "GET", "/api/v1/birds/aggregate", {}),
    (404, "max", "GET", "/api/v1/models/birds", {}),
    (404, "max", "GET", "/api/thrower/notes/4711", {}),
    (404, "max", "GET", "/api/thrower/nothing", {}),
    (404, "max", "GET", "/api/nobody/nothing", {}),
    (404, "max", "POST", "/mcp/nothing", {"content": CALL, "headers": JSON}),
    (404, "max", "GET", "/nothing", {}),
    (405, "max", "PUT", "/api/v1/notes", {"json": {}}),
    (405, "max", "PUT", "/api/v1/batch", {"json": {}}),
    (405, "max", "PUT", "/api/thrower/people", {"json": {}}),
    (405, "max", "PUT", "/auth/me", {"json": {}}),
    (409, "ada", "POST", "/api/v1/groups", {"json": {"name": "friends"}}),
    (409, "ada", "POST", "/api/v1/batch",
     {"json": {"operations": [{"verb": "create", "model": "groups", "values": {"name": "friends"}}]}}),
    (409, "ada", "POST", "/api/thrower/groups", {}),
    (412, "ada", "PATCH", "/api/v1/groups/1", {"json": {"name": "x"}, "headers": {"if-match": '"old"'}}),
    (412, "ada", "POST", "/api/v1/batch",
     {"json": {"operations": [{"verb": "delete", "model": "groups", "id": 1, "if_match": "old"}]}}),
    (413, "max", "POST", "/api/v1/notes", {"content": HUGE}),
    (413, "max", "POST", "/api/v1/batch", {"content": HUGE}),
    (413, "max", "POST", "/api/thrower/notes", {"content": HUGE, "headers": JSON}),
    (413, "max", "POST", "/mcp", {"content": HUGE, "headers": JSON}),
    (422, "max", "POST", "/api/v1/notes", {"json": {"title": 7, "nope": 1}}),
    (422, "max", "GET", "/api/v1/notes/aggregate?sum=title", {}),
    (422, "max", "GET", "/api/v1/notes/deleted?limit=x", {}),
    (422, "max", "POST", "/api/thrower/notes", {"json": {"title": 7}}),
    (422, "max", "POST", "/api/thrower/notes", {"json": {"title": ""}}),
    (422, "max", "GET", "/api/thrower/notes/x", {}),
    (422, "program", "POST", "/api/internal/notifications", {"json": {"nope": 1}}),
    (500, "max", "GET", "/api/thrower/fails", {}),
]  # fmt: skip


async def people(bear: Bear) -> dict[str, httpx2.AsyncClient]:
    ada = await bear.person("ada", "admin")
    assert (await ada.post("/api/v1/groups", json={"name": "friends"})).status_code == 201
    return {
        "ada": ada,
        "max": await bear.person("max"),
        "reader": await bear.person("max", scopes=["api:read"]),
        "nobody": await bear.client(),
        "program": await bear.client(authorization=f"Bearer {SECRET}"),
    }


async def test_every_refusal_has_the_one_shape(bear: Bear) -> None:
    clients = await people(bear)
    for status, who, verb, address, how in REFUSALS:
        try:
            body = shaped(await clients[who].request(verb, address, **how), status)
        except Exception as error:
            error.add_note(f"{who}: {verb} {address} should be {status}")
            raise
        assert body["code"] != "internal_error" or status == 500


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("private detail"), 500, "internal_error"),
        (Busy("Too many writes wait.", code="write_queue_full", retry_after=1.0), 503, "write_queue_full"),
        (StorageFull("The disk is full."), 507, "storage_full"),
    ],
    ids=["500", "503", "507"],
)
async def test_what_fails_below_has_the_one_shape_everywhere(
    bear: Bear, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    clients = await people(bear)

    def fails(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patched:
        for name in ("write", "read"):
            patched.setattr(Store, name, fails)
        max_, note = clients["max"], {"title": "x"}
        create = {"operations": [{"verb": "create", "model": "notes", "values": note}]}
        answers = [
            await max_.post("/api/v1/notes", json=note),
            await max_.get("/api/v1/notes"),
            await max_.get("/api/v1/notes/1"),
            await max_.post("/api/v1/batch", json=create),
            await max_.get("/api/v1/notes/aggregate"),
            await max_.delete("/api/v1/notes/bulk?all=true"),
            await max_.post("/api/thrower/notes", json=note),
            await clients["program"].post("/api/internal/notifications", json=note),
        ]
        for answer in answers:
            assert shaped(answer, status)["code"] == code
            assert ("retry-after" in answer.headers) is (status == 503)


async def test_over_the_rate_limit_has_the_one_shape_everywhere(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", rest_rate_burst=1, rest_rate_per_second=0.01) as bear:
        max_ = await bear.person("max")
        assert (await max_.get("/api/v1/notes")).status_code == 200
        for address in ("/api/v1/notes", "/api/v1/notes/aggregate", "/api/v1/models", "/api/v1/notes/export"):
            body = shaped(await max_.get(address), 429)
            assert body["code"] == "rate_limited" and body["retry_after"] > 1
