"""The tables of plugins while the server runs: made, made again when declared anew, put in and out of force."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase

from server.access.actor import SYSTEM
from server.db import trash
from server.db.connection import connect
from server.db.rebuild import DoesNotFit, create_table, drop_table, rebuild_table
from server.db.schema_fingerprint import is_as_declared, schema_of
from server.errors import Conflict
from server.events.bus import RecordChanged
from server.models.base import Base, ModelOptions
from server.models.registry import ModelSpec, model_spec
from server.plugin_host.manifest import ManifestError
from server.records.kept_copy import keep_copy
from server.records.kept_keys import forget_keys
from server.records.service import Records
from server.records.work import Work

log = logging.getLogger(__name__)

MODEL = "plugins"


class PluginTables:
    """What `put` puts in force is in REST, access and events at once; `take` ends that and keeps every row."""

    def __init__(self, records: Records, backups: Path) -> None:
        self._records = records
        self._backups = backups
        self._left: dict[str, frozenset[str]] = {}
        """Models of plugins that have ended, which stay in force for those that refer to them."""

    async def put(self, plugin_id: str, models: Sequence[type[DeclarativeBase]], of_others: Mapping[str, str]) -> None:
        """Put a plugin's models in force. A copy of the file is kept before a table is made again.

        `of_others` are tables that it may not have, each with whose it is.

        Raises ManifestError when a declaration can't be used or its rows do not fit it; nothing is changed then.
        """
        if not models:
            return
        specs = [_spec(plugin_id, model) for model in models]
        for spec in specs:
            if spec.name in of_others:
                raise ManifestError(f"{plugin_id}/models.py: the table {spec.name!r} is that of {of_others[spec.name]}")
            if spec.name in self._records.registry and spec.name not in self._left.get(plugin_id, ()):
                raise ManifestError(f"{plugin_id}/models.py: there is a model {spec.name!r} already")
        names = {spec.name for spec in specs}
        for spec in specs:
            for name, field in spec.fields.items():
                if field.references is not None and field.references not in (*names, *Base.metadata.tables):
                    raise ManifestError(
                        f"{plugin_id}/models.py: {spec.name}.{name} refers to {field.references!r}, which is no model"
                    )
        tables = [table for table in Base.metadata.sorted_tables if table.name in names]
        missing, changed = await asyncio.to_thread(self._to_do, tables)
        shelf, keep = self._records.shelf, None
        if changed:
            keep = await keep_copy(shelf.store, self._backups, plugin_id, [table.name for table in changed])

        def unit(work: Work, _: list[Any]) -> None:
            if keep is not None:
                # Of a plugin that ended, records may go on coming where somebody else refers to them.
                keep()
            work.transaction.touched.update(names)
            try:
                for table in missing:
                    create_table(work.transaction.connection, table)
                for table in changed:
                    rebuild_table(work.transaction.connection, table)
            except DoesNotFit as error:
                raise ManifestError(f"{plugin_id}/models.py: the records that are there do not fit: {error}") from error
            shelf.epoch.moved()

        with shelf.epoch.changing():
            if missing or changed:
                await self._records.work(SYSTEM, unit, (MODEL,), exclusive=True, always=True)
            for spec in specs:
                self._records.registry.put(spec)
            shelf.stock()
        self._left[plugin_id] = self._left.get(plugin_id, frozenset()).difference(names)
        self._tell("create")

    async def take(self, plugin_id: str, names: Collection[str]) -> None:
        """Take models out of force; their tables stay. Raises Conflict when another model refers to one of them."""
        if not names:
            return
        try:
            self.check_free(plugin_id, names)
        except Conflict:
            self._left[plugin_id] = self._left.get(plugin_id, frozenset()).union(names)
            raise
        shelf = self._records.shelf
        with shelf.epoch.changing():
            for name in names:
                self._records.registry.remove(name)
            shelf.stock()
        self._tell("delete")

    async def take_left(self, plugin_id: str) -> None:
        """Take out of force what a plugin that has ended left there. Raises Conflict as `take` does."""
        await self.take(plugin_id, self._left.get(plugin_id, frozenset()))
        self._left.pop(plugin_id, None)

    def check_free(self, plugin_id: str, names: Collection[str]) -> None:
        """Raise Conflict when a model of somebody else refers to one of `names`."""
        referring = sorted(
            f"{referrer.model}.{referrer.column}"
            for name in names
            for referrer in self._records.shelf.referrers.get(name, ())
            if referrer.model not in names
        )
        if referring:
            raise Conflict(
                f"{', '.join(referring)} refers to records of the plugin {plugin_id}; change or drop that first.",
                code="referred_to",
            )
        if self._records.shelf.held.intersection(names):
            raise Conflict(
                f"A model that is being made refers to records of the plugin {plugin_id}; look again in a moment.",
                code="referred_to",
            )

    async def drop(self, plugin_id: str, names: Sequence[str]) -> list[str]:
        """Drop tables that are out of force, with all their rows; a copy of the file is kept. Returns their names."""
        present = await asyncio.to_thread(self._present, names)
        if not present:
            return []
        keep = await keep_copy(self._records.shelf.store, self._backups, plugin_id, present)

        def unit(work: Work, _: list[Any]) -> None:
            keep()
            work.transaction.touched.update((*present, trash.HISTORY))
            for name in present:
                drop_table(work.transaction.connection, name)
                work.forget_history(name)
                forget_keys(work, name)

        await self._records.work(SYSTEM, unit, (MODEL,), exclusive=True, always=True)
        return present

    def _present(self, names: Sequence[str]) -> list[str]:
        with closing(connect(self._records.shelf.store.path)) as connection:
            schema = schema_of(connection)
        return [name for name in names if name in schema]

    def _to_do(self, tables: Sequence[Table]) -> tuple[list[Table], list[Table]]:
        with closing(connect(self._records.shelf.store.path)) as connection:
            schema = schema_of(connection)
        missing = [table for table in tables if table.name not in schema]
        changed = [table for table in tables if table.name in schema and not is_as_declared(table, schema)]
        return missing, changed

    def _tell(self, verb: Any) -> None:
        self._records.tell(RecordChanged("models", verb, 0, None))


def _spec(plugin_id: str, model: type[DeclarativeBase]) -> ModelSpec:
    table = model.__table__
    assert isinstance(table, Table)
    options = getattr(model, "__options__", None)
    if not isinstance(options, ModelOptions):
        raise ManifestError(f"{plugin_id}/models.py: {model.__name__} needs __options__ = ModelOptions(...)")
    try:
        return model_spec(table, options)
    except TypeError as error:
        raise ManifestError(f"{plugin_id}/models.py: {model.__name__}: {error}") from error
