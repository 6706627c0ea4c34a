"""The plugin host: what loads, what stays out and why, and who may enter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx2
import pytest
from sqlalchemy.orm import DeclarativeBase
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from server.access.actor import ANONYMOUS, INTERNAL, Actor
from server.config import Settings, SettingsHolder
from server.errors import Forbidden, GridBearError, NotFound, Unauthorized
from server.models.declared import declared_classes, declared_models
from server.plugin_host.context import OwnRecords
from server.plugin_host.registry import PluginHost

pytestmark = pytest.mark.anyio

MODEL = """
from sqlalchemy.orm import Mapped, mapped_column
from {base} import Base
class Thing(Base):
    __tablename__ = "{table}"
    id: Mapped[int] = mapped_column(primary_key=True)
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


class Base(DeclarativeBase):
    """A base of these tests' own."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_base() -> Iterator[None]:
    yield
    Base.metadata.clear()
    Base.registry.dispose()


def _plugin(root: Path, plugin_id: str, *, public: bool = False, models: str = "", routes: str = "") -> None:
    folder = root / plugin_id
    (folder / "api").mkdir(parents=True)
    manifest = {"name": plugin_id, "version": "1", "public_api": public}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if models:
        (folder / "models.py").write_text(models)
    if routes:
        (folder / "api" / "routes.py").write_text(routes)


def _model(table: str) -> str:
    return MODEL.format(base=__name__, table=table)


async def _send_error(error: GridBearError, scope: Scope, receive: Receive, send: Send) -> None:
    status = {Unauthorized: 401, NotFound: 404}.get(type(error), 500)
    await JSONResponse({"ok": False, "error": error.message, "code": error.code}, status)(scope, receive, send)


def _started(root: Path, actor: Actor = ANONYMOUS) -> tuple[PluginHost, httpx2.AsyncClient]:
    host = PluginHost([root], Base)
    host.discover()
    settings = SettingsHolder(Settings(data_dir=root))
    records: Any = None
    host.start(records, settings, actor_for=lambda scope: actor, send_error=_send_error)
    return host, httpx2.AsyncClient(transport=httpx2.ASGITransport(host), base_url="http://127.0.0.1")


@pytest.mark.parametrize("table", ["first_things", "prefixless"])
def test_a_model_that_was_refused_is_no_model_and_hinders_no_other(tmp_path: Path, table: str) -> None:
    _plugin(tmp_path, "first", models=_model("first_things"))
    _plugin(tmp_path, "second", models=_model(table).replace("Thing", "Other"))
    host = PluginHost([tmp_path], Base)
    assert [model.__tablename__ for model in host.discover()] == ["first_things"]
    held = list(declared_classes(Base))  # as a traceback would hold them
    assert [model.__name__ for model in declared_models(Base)] == ["Thing"]
    host.forget(tmp_path)
    assert declared_models(Base) == []
    assert held


def test_models_of_a_plugin_with_dashes_are_registered(tmp_path: Path) -> None:
    _plugin(tmp_path, "two-words", models=_model("two_words_things"))
    assert [model.__tablename__ for model in PluginHost([tmp_path], Base).discover()] == ["two_words_things"]


@pytest.mark.parametrize("table", ["users", "prefixless", "bad_prefix_", "other_things"])
def test_a_table_without_the_prefix_is_refused_and_never_migrated(tmp_path: Path, table: str) -> None:
    _plugin(tmp_path, "bad-prefix", models=_model(table))
    host = PluginHost([tmp_path], Base)
    assert host.discover() == []
    assert "'bad_prefix_'" in (host.plugins[0].error or "")
    assert list(Base.metadata.tables) == []


@pytest.mark.parametrize("code", ["1 / 0", "raise SystemExit(3)", "def ("])
def test_a_plugin_that_fails_at_import_stays_out_with_its_traceback(tmp_path: Path, code: str) -> None:
    _plugin(tmp_path, "breaks", models=_model("breaks_things") + code)
    _plugin(tmp_path, "works", models=_model("works_things"))
    host = PluginHost([tmp_path], Base)
    assert [model.__tablename__ for model in host.discover()] == ["works_things"]
    assert "models.py" in (host.plugins[0].traceback or "")
    assert list(Base.metadata.tables) == ["works_things"]


async def test_routes_that_fail_at_import_leave_the_others_reachable(tmp_path: Path) -> None:
    _plugin(tmp_path, "bad-routes", public=True, routes="router = 1")
    _plugin(tmp_path, "good-routes", public=True, routes=ROUTES)
    host, http = _started(tmp_path)
    async with http:
        assert (await http.get("/api/good-routes/who")).json() == {"kind": "anonymous"}
        assert (await http.get("/api/bad-routes/who")).status_code == 404
    assert "fastapi.APIRouter" in (host.plugins[0].error or "")


async def test_a_raising_route_is_500_in_the_one_shape_without_details(tmp_path: Path) -> None:
    _plugin(tmp_path, "raising", public=True, routes=ROUTES)
    _, http = _started(tmp_path)
    async with http:
        answer = await http.get("/api/raising/fails")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "private detail" not in answer.text
        assert (await http.get("/api/raising/who")).status_code == 200


async def test_a_closed_plugin_wants_somebody_and_hands_the_actor_over(tmp_path: Path) -> None:
    _plugin(tmp_path, "closed", routes=ROUTES)
    host, http = _started(tmp_path)
    async with http:
        assert (await http.get("/api/closed/who")).status_code == 401
    assert not host.is_public("closed")
    _, http = _started(tmp_path, INTERNAL)
    async with http:
        assert (await http.get("/api/closed/who")).json() == {"kind": "internal"}


async def test_a_plugin_reaches_its_own_models_alone() -> None:
    records = AsyncMock()
    with pytest.raises(Forbidden, match="its own models"):
        await OwnRecords("weather", records, ["weather_days"]).find("users")
    assert records.mock_calls == []
