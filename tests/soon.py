"""What makes thousands of servers in one test process quick: what they share, and a disk that nobody waits for."""

from __future__ import annotations

import contextlib
import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import fastapi.dependencies.utils
import pytest
from fastapi._compat.v2 import ModelField, asdict
from fastapi.dependencies.utils import _get_signature
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
