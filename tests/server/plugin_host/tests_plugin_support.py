"""Plugin folders for tests, and switching them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Bear, running_bear

MODEL = """
from sqlalchemy import Text
from sqlalchemy.orm import Mapped
from server.plugin_api import Base, ModelOptions, Record, field

class Thing(Record, Base):
    __tablename__ = "{table}"
    __options__ = ModelOptions(label="Thing", label_plural="Things", description="Things.", group="plugins")
    name: Mapped[str] = field(Text, label="Name", required=True)
"""
ROUTES = """
from fastapi import APIRouter
from server.plugin_api import Caller
router = APIRouter()
@router.get("/who")
async def who(caller: Caller):
    return {"kind": caller.kind}
@router.get("/fails")
async def fails():
    raise RuntimeError("private detail")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the plugins of `house` lie."""
    return tmp_path / "data" / "plugins"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Bear]:
    async with running_bear(tmp_path / "data") as bear:
        yield bear


@pytest.fixture
async def ada(house: Bear) -> httpx2.AsyncClient:
    return await house.person("ada", "admin")


def write(
    root: Path,
    plugin_id: str,
    *,
    models: str = "",
    routes: str = "",
    files: dict[str, str] | None = None,
    **manifest: Any,
) -> Path:
    """A plugin folder."""
    folder = root / plugin_id
    (folder / "api").mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"name": plugin_id, "version": "1", **manifest}))
    for file, text in {"models.py": models, "api/routes.py": routes, **(files or {})}.items():
        if text:
            (folder / file).write_text(text)
    return folder


def model(table: str) -> str:
    return MODEL.format(table=table)


async def switch(client: httpx2.AsyncClient, plugin_id: str, deed: str, **body: Any) -> httpx2.Response:
    said_yes_to = {"permissions": [], **body} if deed == "enable" else None
    return await client.post(f"/api/v1/plugins/{plugin_id}/{deed}", json=said_yes_to)


async def on(client: httpx2.AsyncClient, plugin_id: str, *permissions: str) -> dict[str, Any]:
    """Switch a plugin on; its row."""
    answer = await switch(client, plugin_id, "enable", permissions=list(permissions))
    assert answer.status_code == 200, answer.text
    row: dict[str, Any] = answer.json()["data"]
    return row


async def state(client: httpx2.AsyncClient, plugin_id: str) -> dict[str, Any]:
    [row] = (await client.get(f"/api/v1/plugins?name={plugin_id}")).json()["data"]
    found: dict[str, Any] = row
    return found


def wheel(shelf: Path, name: str, of: str, *needs: str, files: dict[str, str] | None = None) -> Path:
    """A wheel with one module that knows its version."""
    target = shelf / f"{name}-{of}-py3-none-any.whl"
    info = f"{name}-{of}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {of}", *(f"Requires-Dist: {it}" for it in needs)]
    content = {
        f"{name}.py": f"VERSION = {of!r}\n",
        **(files or {}),
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in content.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return target
