"""What makes thousands of servers in one test process quick: what they share, and a disk that nobody waits for."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import fastapi.dependencies.utils
import fastapi.routing
import pytest
from fastapi._compat.v2 import ModelField, asdict
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import _get_signature
from fastapi.params import Depends
from fastapi.routing import APIRoute, _APIRouteLike, _effective_route_context_var, _populate_api_route_state
from sqlalchemy import MetaData, Table
from starlette.requests import Request
from starlette.responses import Response

import server.app
import server.db.connection
import server.web.pages
from server.db.migrate import migrate
from server.db.upgrade import Progress, silent
from server.web.first_modules import imported


@contextlib.contextmanager
def quick_servers() -> Iterator[None]:
    """Inside, every server of this process uses again what another one has made already.

    Nothing waits for the disk either: no test cuts the power of its own process.
    """
    with tempfile.TemporaryDirectory(prefix="gridbear-template-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.app, "migrate", _Templates(Path(folder)).migrate)
        patch.setattr(ModelField, "__post_init__", _Validators(ModelField.__post_init__).set_up)
        patch.setattr(fastapi.dependencies.utils, "_get_signature", _Signatures(_get_signature).of)
        patch.setattr(fastapi.routing, "_populate_api_route_state", _Routes(_populate_api_route_state).populate)
        patch.setattr(APIRoute, "get_route_handler", _made_when_asked(APIRoute.get_route_handler))
        patch.setattr(server.web.pages, "imported", cache(imported))
        patch.setattr(server.db.connection, "SYNCHRONOUS", "OFF")
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


class _Templates:
    """The database of a first start, made once for each set of tables and copied from then on."""

    def __init__(self, folder: Path) -> None:
        self._made: dict[frozenset[Table], Path] = {}
        self._folder = folder

    def migrate(self, path: Path, metadata: MetaData, backups: Path, progress: Progress = silent) -> None:
        if any(path.parent.glob(f"{path.name}*")):
            migrate(path, metadata, backups, progress)
        else:
            shutil.copy(self._template(metadata, backups), path)

    def _template(self, metadata: MetaData, backups: Path) -> Path:
        tables = frozenset(metadata.tables.values())
        if tables not in self._made:
            path = self._folder / f"{len(self._made)}.db"
            migrate(path, metadata, backups)
            self._made[tables] = path
        return self._made[tables]


class _Validators:
    """Pydantic's validators of FastAPI's parameters and answers: those of equal fields are one."""

    def __init__(self, set_up: Callable[[ModelField], None]) -> None:
        self._set_up = set_up
        self._known: dict[tuple[Any, ...], Any] = {}

    @property
    def set_up(self) -> Callable[[ModelField], None]:
        known, build = self._known, self._set_up

        def post_init(field: ModelField) -> None:
            described = asdict(field.field_info)
            key = (described["annotation"], repr(described), repr(field.config))
            try:
                field._type_adapter = known[key]
            except KeyError:
                build(field)
                known[key] = field._type_adapter

        return post_init


class _Signatures:
    """What the annotations of endpoints mean. Each app defines its endpoints anew, and FastAPI reads them as texts."""

    def __init__(self, signature: Callable[[Callable[..., Any]], inspect.Signature]) -> None:
        self._signature = signature
        # Code of two files may be equal though its annotations differ: by identity, and kept so that it stays its own.
        self._known: dict[int, tuple[CodeType, dict[str, Any]]] = {}

    def of(self, call: Callable[..., Any]) -> inspect.Signature:
        function = inspect.unwrap(call)
        if isinstance(function, FunctionType):
            code = function.__code__
            if id(code) not in self._known:
                try:
                    self._known[id(code)] = code, inspect.get_annotations(function, eval_str=True)
                except NameError:
                    return self._signature(call)
            function.__annotations__ = dict(self._known[id(code)][1])
        return self._signature(call)


class _Routes:
    """What FastAPI finds out about an endpoint of one code at one address, told in the same words: it does so once.

    Each app then has its own endpoint in it. Those whose defaults or dependencies an app makes itself are looked at
    anew, as they may differ.
    """

    _KINDS = (type(None), bool, int, float, str)

    def __init__(self, populate: Callable[..., None]) -> None:
        self.find_out = populate
        # With the code, so that no other can come to its identity.
        self._known: dict[Any, tuple[CodeType, list[_Known]]] = {}

    def populate(self, route: Any, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        provider = told.pop("dependency_overrides_provider", None)
        if not self._may_be_kept(endpoint, told):
            self.find_out(route, path, endpoint, dependency_overrides_provider=provider, **told)
            return
        assert isinstance(endpoint, FunctionType)
        code, defaults = endpoint.__code__, (endpoint.__defaults__, endpoint.__kwdefaults__)
        _, alike = self._known.setdefault((id(code), path), (code, []))
        for known in alike:
            if known.defaults == defaults and known.told == told:
                # Nothing of it is changed any more but for whom the dependant calls.
                vars(route).update(known.found)
                route.dependant = dataclasses.replace(known.found["dependant"], call=endpoint)
                route.endpoint = endpoint
                break
        else:
            self.find_out(route, path, endpoint, dependency_overrides_provider=provider, **told)
            found = {name: _copy(getattr(route, name)) for name in _APIRouteLike.__annotations__}
            # Nothing of this app is kept.
            found["dependant"].call = found["endpoint"] = found["dependency_overrides_provider"] = None
            alike.append(_Known({name: _copy(value) for name, value in told.items()}, defaults, found))
        route.dependency_overrides_provider = provider

    def _may_be_kept(self, endpoint: Callable[..., Any], told: dict[str, Any]) -> bool:
        if not isinstance(endpoint, FunctionType) or told.get("dependencies") or told.get("callbacks"):
            return False
        defaults = (*(endpoint.__defaults__ or ()), *(endpoint.__kwdefaults__ or {}).values())
        return not hasattr(endpoint, "__wrapped__") and all(self._is_of_no_app(value) for value in defaults)

    def _is_of_no_app(self, default: Any) -> bool:
        if isinstance(default, Depends):
            return isinstance(default.dependency, FunctionType) and default.dependency.__closure__ is None
        return isinstance(default, self._KINDS)


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def _made_when_asked(get_handler: Callable[[APIRoute], Handler]) -> Callable[[APIRoute], Handler]:
    """What FastAPI makes of a route so that it answers by itself: most are asked only as parts of what includes them.

    What it makes of a route within another, with the dependencies of both, is made as FastAPI wants it.
    """

    def get(route: APIRoute) -> Handler:
        if _effective_route_context_var.get() is not None:
            return get_handler(route)
        made: list[Handler] = []

        async def handle(request: Request) -> Response:
            if not made:
                made.append(get_handler(route))
            return await made[0](request)

        return handle

    return get


class _Known:
    """What was told of a route, and what FastAPI found out about it."""

    def __init__(self, told: dict[str, Any], defaults: tuple[Any, ...], found: dict[str, Any]) -> None:
        self.told, self.defaults, self.found = told, defaults, found


def _copy(value: Any) -> Any:
    """A copy that may be changed in its first level."""
    if isinstance(value, Dependant):
        return dataclasses.replace(value)
    return value.copy() if isinstance(value, list | dict | set) else value
