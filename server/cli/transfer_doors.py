"""Exports and imports where the data is: through the running server's API, or on the folder when none runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import quote, urlencode

from server.access.actor import OWNER
from server.app import GridBearApp
from server.cli.running import RunningServer
from server.cli.server_or_folder import server_or_folder
from server.errors import ValidationFailed
from server.records.import_files import sniffed_format
from server.records.import_guess import SAMPLE_BYTES
from server.rest_api.transfer_routes import import_options

Pairs = list[tuple[str, str]]
Told = Callable[[int], None]
"""Gets how many bytes of the file were read so far."""

_CHUNK_BYTES = 1 << 18


class Door(Protocol):
    """What the commands need of the data. The caller is the machine's owner, who passes every rule."""

    def has_model(self, model: str) -> bool: ...

    def count(self, model: str, filters: Pairs) -> int:
        """How many records the filters select."""
        ...

    def export(self, model: str, parameters: Pairs) -> Iterator[bytes]: ...

    def import_file(self, model: str, parameters: Pairs, path: Path, told: Told) -> dict[str, Any]:
        """The report of an import."""
        ...

    def guess(self, parameters: Pairs, name: str, path: Path) -> dict[str, Any]:
        """What a file holds, with a definition for a model."""
        ...

    def make_model(self, definition: dict[str, Any]) -> None: ...

    def first_admin(self) -> str | None: ...


@contextlib.contextmanager
def data_door(data_dir: Path | None, *, new: bool) -> Iterator[Door]:
    """The door to a data folder, which is made when it may be `new`. Raises NotFound, StartupError."""
    with server_or_folder(data_dir, new=new) as place:
        yield _ServerDoor(place) if isinstance(place, RunningServer) else _FolderDoor(place.app, place.runner)


class _ServerDoor:
    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def has_model(self, model: str) -> bool:
        return any(one["name"] == model for one in self._server.ask("/api/v1/models")["data"])

    def count(self, model: str, filters: Pairs) -> int:
        return int(self._server.ask(_address(f"{quote(model)}", [*filters, ("limit", "1")]))["count"])

    def export(self, model: str, parameters: Pairs) -> Iterator[bytes]:
        with self._server.open(_address(f"{quote(model)}/export", parameters)) as answer:
            while chunk := answer.read(_CHUNK_BYTES):
                yield chunk

    def import_file(self, model: str, parameters: Pairs, path: Path, told: Told) -> dict[str, Any]:
        report: dict[str, Any] = self._send(_address(f"{quote(model)}/import", parameters), path, told)
        return report

    def guess(self, parameters: Pairs, name: str, path: Path) -> dict[str, Any]:
        address = _address("import/guess", [*parameters, ("name", name)])
        found: dict[str, Any] = self._send(address, path, lambda _: None, most=_sample_bytes(path))
        return found

    def make_model(self, definition: dict[str, Any]) -> None:
        self._server.ask("/api/v1/models", json.dumps(definition).encode())

    def first_admin(self) -> str | None:
        rows = self._server.ask("/api/v1/users?role=admin&is_active=true&sort=id&limit=1")["data"]
        return str(rows[0]["username"]) if rows else None

    def _send(self, address: str, path: Path, told: Told, most: int | None = None) -> Any:
        size = path.stat().st_size
        length = size if most is None else min(size, most)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        with path.open("rb") as file:
            # Without a limit of time: a large file is checked and stored before the answer comes.
            return self._server.ask(address, _Watched(file, length, told), headers, timeout=None)["data"]


def _sample_bytes(path: Path) -> int | None:
    """How much of a file a guess needs; of a SQLite file, whose tables may lie anywhere, all."""
    with path.open("rb") as file:
        return None if sniffed_format(file.read(64)) == "sqlite" else SAMPLE_BYTES


class _Watched:
    """The first bytes of a file, as a body that tells how far it was read."""

    def __init__(self, file: BinaryIO, length: int, told: Told) -> None:
        self._file = file
        self._length = length
        self._told = told
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        left = self._length - self._read
        data = self._file.read(left if size < 0 else min(size, left))
        self._read += len(data)
        self._told(self._read)
        return data


class _FolderDoor:
    def __init__(self, app: GridBearApp, runner: asyncio.Runner) -> None:
        self._app = app
        self._run = runner.run

    def has_model(self, model: str) -> bool:
        return model in self._app.records.registry

    def count(self, model: str, filters: Pairs) -> int:
        page = self._run(self._app.records.list_page(OWNER, model, [*filters, ("limit", "1")]))
        return page.count or 0

    def export(self, model: str, parameters: Pairs) -> Iterator[bytes]:
        chunks = self._app.transfers.chunks(self._app.transfers.plan_export(OWNER, model, parameters))
        try:
            while chunk := self._run(_next(chunks)):
                yield chunk
        finally:
            self._run(chunks.aclose())

    def import_file(self, model: str, parameters: Pairs, path: Path, told: Told) -> dict[str, Any]:
        return self._run(self._app.transfers.import_file(OWNER, model, import_options(parameters), path, told))

    def guess(self, parameters: Pairs, name: str, path: Path) -> dict[str, Any]:
        return self._run(self._app.transfers.guess(import_options(parameters), name, _pieces(path)))

    def make_model(self, definition: dict[str, Any]) -> None:
        self._run(self._app.own_models.create(OWNER, definition))

    def first_admin(self) -> str | None:
        found = self._run(self._app.people.first_admin())
        return None if found is None else str(found["username"])


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    return await anext(chunks, b"")


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            yield piece


def _address(path: str, pairs: Pairs) -> str:
    return f"/api/v1/{path}" + (f"?{urlencode(pairs)}" if pairs else "")


def readable(path: Path) -> Path:
    """`path`, which must be a file that can be read. Raises ValidationFailed."""
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValidationFailed(f"{path} can't be read ({error.strerror or error}).") from None
