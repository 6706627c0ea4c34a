"""What makes thousands of servers in one test process quick: what they share, and a disk that nobody waits for."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi._compat.v2 import ModelField, asdict
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
        patch.setattr(server.db.connection, "SYNCHRONOUS", "OFF")
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


class _Templates:
    """The database of a first start, made once for each set of tables and copied from then on."""

    def __init__(self, folder: Path) -> None:
        self._made: dict[frozenset[Table], Path] = {}
        self._folder = folder

    def migrate(self, path: Path, metadata: MetaData, backups: Path, progress: Progress = silent) -> None:
        if not any(path.parent.glob(f"{path.name}*")):
            shutil.copy(self._template(metadata, backups), path)
        # It still looks whether every table is as declared.
        migrate(path, metadata, backups, progress)

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
