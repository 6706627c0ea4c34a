"""Exports: all rows that a list would show, as a stream of text."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from concurrent.futures import Executor
from typing import Any, Literal

from server.access.actor import Actor
from server.access.policy import Permission
from server.db.exports import SNAPSHOT_SECONDS, ExportReader, csv_row
from server.db.statements import ListShape, SortKey, list_statement
from server.errors import FieldError, ValidationFailed
from server.models.registry import ModelSpec
from server.records.filters import truth
from server.records.query import ListQuery, parse_query
from server.records.shelf import Shelf
from server.records.values import BadValue

ExportFormat = Literal["csv", "json", "jsonl"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = ("csv", "json", "jsonl")
MEDIA_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
}
_PAGING = frozenset(("limit", "offset", "cursor", "total", "expand"))
_BOM = "\ufeff"
_ALL_ROWS = -1


class Export:
    """One export, checked and ready. `chunks` reads it once; `close` is needed when it is not read."""

    def __init__(
        self,
        actor: Actor,
        model: str,
        format_: ExportFormat,
        bom: bool,
        may: Permission,
        query: ListQuery,
        reader: ExportReader,
        threads: Executor,
    ) -> None:
        self.actor = actor
        self.model = model
        self.may = may
        """How far they might list when it was planned."""
        self.format = format_
        self._bom = bom
        self._fields = query.fields
        self._reader = reader
        self._threads = threads

    @property
    def filename(self) -> str:
        return f"{self.model}.{self.format}"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.format]

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The file in pieces. What fails after the first piece is raised: the answer must not end as if complete."""
        loop = asyncio.get_running_loop()
        timer = loop.create_task(self._release())
        try:
            rows = await self._next(loop)
            yield self._begin(rows)
            while rows := await self._next(loop):
                yield self._more(rows)
            if self.format == "json":
                yield b"\n]\n"
        finally:
            timer.cancel()
            self._reader.interrupt()
            # In a thread: a batch that is being read has to come to its end first.
            await asyncio.shield(loop.run_in_executor(None, self._reader.close))
            with contextlib.suppress(asyncio.CancelledError):
                await timer

    def close(self) -> None:
        """Give up before anything was read."""
        self._reader.close()

    async def _next(self, loop: asyncio.AbstractEventLoop) -> list[str]:
        return await loop.run_in_executor(self._threads, self._reader.batch)

    async def _release(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_SECONDS / 4)
            self._reader.release_old()

    def _begin(self, rows: list[str]) -> bytes:
        if self.format == "json":
            return ("[\n" + ",\n".join(rows)).encode()
        head = f"{_BOM if self._bom else ''}{','.join(self._fields)}\r\n" if self.format == "csv" else ""
        return head.encode() + self._lines(rows)

    def _more(self, rows: list[str]) -> bytes:
        return (",\n" + ",\n".join(rows)).encode() if self.format == "json" else self._lines(rows)

    def _lines(self, rows: list[str]) -> bytes:
        end = "\r\n" if self.format == "csv" else "\n"
        return (end.join(rows) + end).encode() if rows else b""


def plan_export(
    shelf: Shelf, actor: Actor, model: str, parameters: Iterable[tuple[str, str]], threads: Executor
) -> Export:
    """An export of what `actor` may list. `parameters`: `format`, `bom`, and those of a list but for its paging.

    Raises ValidationFailed naming every bad parameter, Forbidden, Unauthorized, NotFound (model).
    """
    planned = shelf.epoch.number
    spec = shelf.registry.get(model)
    may = shelf.policy.allow(actor, spec, "list")
    format_, bom, rest = _own_parameters(spec, parameters)
    query = parse_query(spec, may, rest)
    expression = csv_row(spec.table, query.fields) if format_ == "csv" else None
    base = ListShape(
        query.condition,
        query.sort or (SortKey("id"),),
        may.owned_by,
        query.fields,
        search=query.search is not None,
    )
    values = {**query.values, "actor_id": actor.user_id, "q": query.search, "row_limit": _ALL_ROWS, "row_offset": 0}

    def following(last: tuple[Any, ...] | None) -> tuple[str, Mapping[str, Any]]:
        shelf.epoch.check(planned)
        shape = base if last is None else _after(base, last)
        keys = {} if last is None else {f"k{index}": value for index, value in enumerate(last)}
        return list_statement(spec.table, shape, expression).rows, {**values, **keys}

    return Export(actor, model, format_, bom, may, query, ExportReader(shelf.store.storage, following), threads)


def _after(shape: ListShape, last: tuple[Any, ...]) -> ListShape:
    nulls = tuple(value is None for value in last)
    return ListShape(shape.condition, shape.sort, shape.owned_by, shape.fields, search=shape.search, after=nulls)


def _own_parameters(
    spec: ModelSpec, parameters: Iterable[tuple[str, str]]
) -> tuple[ExportFormat, bool, list[tuple[str, str]]]:
    format_: ExportFormat = "csv"
    bom = False
    rest: list[tuple[str, str]] = []
    for name, text in parameters:
        if name == "format":
            found = next((known for known in EXPORT_FORMATS if known == text), None)
            if found is None:
                raise ValidationFailed.of("format", "unknown_choice", f"one of {', '.join(EXPORT_FORMATS)}")
            format_ = found
        elif name == "bom" and name not in spec.fields:
            # Where a field is called so, its filter is meant: else rows would come that were not asked for.
            try:
                bom = truth(text)
            except BadValue as bad:
                raise ValidationFailed(
                    f"bom: {bad.message}", fields={"bom": FieldError(bad.code, bad.message)}
                ) from None
        elif name in _PAGING:
            raise ValidationFailed.of(name, "unknown_parameter", "an export has all rows; choose them with filters")
        else:
            rest.append((name, text))
    return format_, bom, rest
