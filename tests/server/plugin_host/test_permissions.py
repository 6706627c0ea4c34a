"""Permissions: what a plugin did not ask for it does not get, and what nothing can keep from it is said."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tests.conftest import Bear
from tests.server.plugin_host.tests_plugin_support import on, switch, write

pytestmark = pytest.mark.anyio

ROUTES = """
from fastapi import APIRouter
from server.plugin_api import Caller, Context
router = APIRouter()
@router.post("/notify")
async def tell(plugin: Context):
    await plugin.notify("hello")
@router.post("/secret")
async def secret(plugin: Context):
    await plugin.put_secret("key", "value")
    return {"value": plugin.secret("key")}
@router.post("/read")
async def read(plugin: Context, caller: Caller):
    return {"found": len(await plugin.records_as(caller).find("notes"))}
@router.post("/write")
async def write(plugin: Context, caller: Caller):
    return await plugin.records_as(caller).create("notes", {"title": "hello"})
"""
NEEDS = {"notify": "notifications", "secret": "secrets", "read": "records:read", "write": "records:write"}


@pytest.mark.parametrize("deed", NEEDS)
async def test_what_the_manifest_does_not_ask_for_is_refused_and_said(
    ada: httpx2.AsyncClient, folder: Path, deed: str
) -> None:
    write(folder, "nosy", routes=ROUTES)
    await on(ada, "nosy")
    refused = await ada.post(f"/api/nosy/{deed}")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    assert f'"{NEEDS[deed]}"' in refused.json()["error"] and "manifest.json" in refused.json()["error"]
    await switch(ada, "nosy", "disable")
    write(folder, "nosy", routes=ROUTES, permissions=[NEEDS[deed]])
    await on(ada, "nosy", NEEDS[deed])
    assert (await ada.post(f"/api/nosy/{deed}")).status_code == 200
    others = [other for other in NEEDS if other != deed]
    assert [(await ada.post(f"/api/nosy/{other}")).status_code for other in others] == [403, 403, 403]


async def test_a_permission_to_read_is_no_right_of_the_caller(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    write(folder, "nosy", routes=ROUTES, permissions=["records:read", "records:write"])
    await on(ada, "nosy", "records:read", "records:write")
    guest = await house.person("gus", "guest")
    assert [(await guest.post(f"/api/nosy/{deed}")).status_code for deed in ("read", "write")] == [403, 403]


async def test_the_preview_says_what_is_enforced_and_what_is_only_told(ada: httpx2.AsyncClient, folder: Path) -> None:
    write(folder, "net", permissions=["network", "notifications"])
    told = (await ada.get("/api/v1/plugins/net/manifest")).json()["data"]["permissions"]
    assert [(it["name"], it["enforced"]) for it in told] == [("network", False), ("notifications", True)]
    assert all(it["meaning"] for it in told)
