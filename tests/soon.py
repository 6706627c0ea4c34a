"""What makes thousands of servers in one test process quick: what they share, and a disk that nobody waits for."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import fastapi.dependencies.utils
import fastapi.routing
import pytest
from fastapi._compat.v2 import ModelField, asdict
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import _get_signature
from fastapi.routing import _APIRouteLike, _populate_api_route_state
from sqlalchemy import MetaData, Table

import server.app
import server.db.connection
from server.db.migrate import migrate
from server.db.upgrade import Progress, silent


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
        self._known: dict[Any, tuple[CodeType, dict[str, Any], list[str]]] = {}

    def populate(self, route: Any, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        provider = told.pop("dependency_overrides_provider", None)
        key = self._key(path, endpoint, told)
        if key in self._known:
            _, found, changeable = self._known[key]
            vars(route).update(found)
            vars(route).update({name: _copy(found[name]) for name in changeable})
            route.endpoint = route.dependant.call = endpoint
        else:
            self.find_out(route, path, endpoint, dependency_overrides_provider=provider, **told)
            if key is not None:
                found = {name: _copy(getattr(route, name)) for name in _APIRouteLike.__annotations__}
                # Nothing of this app is kept.
                found["dependant"].call = found["endpoint"] = found["dependency_overrides_provider"] = None
                changeable = [name for name, value in found.items() if isinstance(value, list | dict | set | Dependant)]
                self._known[key] = endpoint.__code__, found, changeable
        route.dependency_overrides_provider = provider

    def _key(self, path: str, endpoint: Any, told: dict[str, Any]) -> Any:
        if not isinstance(endpoint, FunctionType) or told.get("dependencies") or told.get("callbacks"):
            return None
        defaults = (*(endpoint.__defaults__ or ()), *(endpoint.__kwdefaults__ or {}).values())
        if hasattr(endpoint, "__wrapped__") or not all(isinstance(value, self._KINDS) for value in defaults):
            return None
        try:
            key = id(endpoint.__code__), path, repr(defaults), _frozen(told)
            hash(key)
        except TypeError:
            return None
        return key


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((name, _frozen(it)) for name, it in value.items())
    if isinstance(value, list | tuple):
        return tuple(_frozen(it) for it in value)
    if isinstance(value, set):
        return frozenset(value)
    return ("by default", value.value) if isinstance(value, DefaultPlaceholder) else value


def _copy(value: Any) -> Any:
    """A copy that may be changed in its first level."""
    if isinstance(value, Dependant):
        lists = {it.name: list(getattr(value, it.name)) for it in dataclasses.fields(value)
                 if isinstance(getattr(value, it.name), list)}  # fmt: skip
        return dataclasses.replace(value, **lists)
    return value.copy() if isinstance(value, list | dict | set) else value
