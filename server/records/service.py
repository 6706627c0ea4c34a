"""Records: list, read, create, change and delete rows of any model, always for an Actor."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from server.access.actor import Actor
from server.access.decide import allow
from server.config import SettingsHolder
from server.db.statements import ListShape
from server.db.store import Store
from server.db.writer import Transaction
from server.errors import Forbidden, NotFound, PreconditionFailed
from server.events.bus import Bus, RecordChanged
from server.models.registry import ModelRegistry, ModelSpec
from server.records.behaviour import Behaviour, Prepared, WriteVerb
from server.records.find import find_query
from server.records.log_cap import LogCap
from server.records.prepared import INLINE_LIMIT, PreparedModel
from server.records.query import ListQuery, parse_query
from server.records.times import now_text
from server.records.totals import Totals
from server.records.values import checked


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: the rows as a JSON array, and how many rows there are in all (None if not asked)."""

    rows: str
    count: int | None


def etag_of(row: str) -> str:
    """The entity tag of a row's or page's JSON text."""
    return f'"{hashlib.blake2b(row.encode(), digest_size=12).hexdigest()}"'


class Records:
    """The choke point. Rows go out as the JSON text that SQLite rendered; `get`, `find`… give dicts."""

    def __init__(self, store: Store, registry: ModelRegistry, bus: Bus, settings: SettingsHolder) -> None:
        self.registry = registry
        self._store = store
        self._bus = bus
        self._settings = settings
        self._behaviours: dict[str, Behaviour] = {}
        self._models = {spec.name: PreparedModel(spec, store) for spec in registry}
        self._caps = {spec.name: LogCap(self._models[spec.name]) for spec in registry if spec.options.log_cap_setting}
        self._totals = Totals(store.versions)
        self._cascades = _cascades(registry)

    def behave(self, model: str, behaviour: Behaviour) -> None:
        """Give `model` a behaviour of its own."""
        self._behaviours[model] = behaviour

    # Reading

    async def list_page(self, actor: Actor, model: str, parameters: Iterable[tuple[str, str]]) -> Page:
        """One page as the query string asks. Raises ValidationFailed, Forbidden, Unauthorized, NotFound (model)."""
        spec = self.registry.get(model)
        owner = allow(actor, spec, "list")
        return await self._page(actor, spec, owner, parse_query(spec, parameters))

    async def find(
        self, actor: Actor, model: str, *, where: Mapping[str, Any] | None = None, sort: str = "id", limit: int = 500
    ) -> list[dict[str, Any]]:
        """Rows as dicts; keys of `where` are `field` or `field__op`, its values Python values (None: is null)."""
        spec = self.registry.get(model)
        owner = allow(actor, spec, "list")
        page = await self._page(actor, spec, owner, find_query(spec, where or {}, sort, limit))
        rows: list[dict[str, Any]] = orjson.loads(page.rows)
        return rows

    async def read_row(self, actor: Actor, model: str, record_id: int) -> str:
        """One row as JSON text. Raises NotFound when it is absent or invisible."""
        spec = self.registry.get(model)
        prepared = self._models[model]
        owner = allow(actor, spec, "read")
        [rows] = await self._store.read(
            [(prepared.read[owner], {"id": record_id, "actor_id": actor.user_id})], inline=True
        )
        if not rows:
            raise _absent(spec, record_id)
        return str(rows[0][0])

    async def get(self, actor: Actor, model: str, record_id: int, /) -> dict[str, Any]:
        """One row as a dict."""
        row: dict[str, Any] = orjson.loads(await self.read_row(actor, model, record_id))
        return row

    async def reveal(self, actor: Actor, model: str, record_id: int) -> dict[str, Any]:
        """One row with its write-only and hidden columns. For the program itself alone."""
        _system_only(actor)
        prepared = self._models[self.registry.get(model).name]
        [rows] = await self._store.read([(prepared.stored_row, {"id": record_id})], inline=True)
        if not rows:
            raise _absent(prepared.spec, record_id)
        return _revealed(prepared, rows[0])

    def look_up(self, actor: Actor, model: str, column: str, value: Any) -> dict[str, Any] | None:
        """The stored row whose unique `column` is `value`, read on the spot. For the program itself alone."""
        _system_only(actor)
        prepared = self._models[model]
        shape = ListShape(filters=((column, "eq"),))
        rows = self._store.read_now(prepared.columns_where(shape), {"f0": value})
        return _revealed(prepared, rows[0]) if rows else None

    # Writing

    async def create_row(self, actor: Actor, model: str, values: Mapping[str, Any]) -> tuple[int, str]:
        """Store a new row. Returns its id and JSON text, including what is told only this once."""
        spec = self.registry.get(model)
        allow(actor, spec, "create")
        prepared = self._models[model]
        columns = checked(actor, spec, values, creating=True)
        ready = await self._prepare(actor, model, columns, None)
        now = now_text()
        row = {**prepared.defaults, "created_at": now, "updated_at": now}
        if "owner_id" in row and spec.owner_column == "owner_id":
            row["owner_id"] = actor.user_id
        row.update(ready.columns)

        def unit(transaction: Transaction) -> tuple[int, str]:
            record_id, text = transaction.execute(prepared.insert, row).fetchone()
            self._settle(transaction, prepared, "create", record_id)
            self._cap(transaction, spec, len(text))
            return record_id, text

        owner_id = row.get("owner_id")
        record_id, text = await self._store.write(
            unit, (model,), lambda result: self._publish(model, "create", result[0], owner_id)
        )
        if ready.told_once:
            text = orjson.dumps({**orjson.loads(text), **ready.told_once}).decode()
        return record_id, text

    async def create(self, actor: Actor, model: str, values: Mapping[str, Any], /) -> dict[str, Any]:
        """Store a new row; the row as a dict."""
        row: dict[str, Any] = orjson.loads((await self.create_row(actor, model, values))[1])
        return row

    async def change_row(
        self,
        actor: Actor,
        model: str,
        record_id: int,
        values: Mapping[str, Any],
        *,
        replace: bool = False,
        if_match: Callable[[str], bool] | None = None,
    ) -> str:
        """Change the sent fields, or with `replace` all writable ones: an omitted one returns to its default.

        `if_match` gets the row's entity tag inside the write; False raises PreconditionFailed.
        """
        spec = self.registry.get(model)
        owner = allow(actor, spec, "update")
        prepared = self._models[model]
        columns = checked(actor, spec, _complete(actor, spec, values) if replace else values, creating=False)
        ready = await self._prepare(actor, model, columns, record_id)
        changes = {**ready.columns, "updated_at": now_text()}
        sql = prepared.update_of(tuple(changes), owner)
        parameters = {**changes, "id": record_id, "actor_id": actor.user_id}

        def unit(transaction: Transaction) -> tuple[str, int | None]:
            if if_match is not None:
                self._match(transaction, prepared, owner, parameters, if_match)
            found = transaction.execute(sql, parameters).fetchone()
            if found is None:
                raise _absent(spec, record_id)
            self._settle(transaction, prepared, "update", record_id)
            owner_id = self._owner_of(transaction, prepared, record_id)
            self._cap(transaction, spec, len(found[1]))
            return found[1], owner_id

        text, _owner_id = await self._store.write(
            unit, (model,), lambda result: self._publish(model, "update", record_id, result[1])
        )
        return str(text)

    async def update(self, actor: Actor, model: str, record_id: int, values: Mapping[str, Any], /) -> dict[str, Any]:
        """Change the sent fields; the row as a dict."""
        row: dict[str, Any] = orjson.loads(await self.change_row(actor, model, record_id, values))
        return row

    async def delete(
        self, actor: Actor, model: str, record_id: int, /, if_match: Callable[[str], bool] | None = None
    ) -> None:
        """Delete a row. Raises NotFound when it is absent or invisible, Conflict when others refer to it."""
        spec = self.registry.get(model)
        owner = allow(actor, spec, "delete")
        prepared = self._models[model]
        parameters = {"id": record_id, "actor_id": actor.user_id}

        def unit(transaction: Transaction) -> int | None:
            if if_match is not None:
                self._match(transaction, prepared, owner, parameters, if_match)
            owner_id = self._owner_of(transaction, prepared, record_id)
            if transaction.execute(prepared.delete[owner], parameters).rowcount == 0:
                raise _absent(spec, record_id)
            self._settle(transaction, prepared, "delete", record_id)
            return owner_id

        await self._store.write(
            unit,
            (model, *self._cascades.get(model, ())),
            lambda owner_id: self._publish(model, "delete", record_id, owner_id),
        )

    # Parts

    async def _page(self, actor: Actor, spec: ModelSpec, owner: str | None, query: ListQuery) -> Page:
        prepared = self._models[spec.name]
        shape = query.shape
        if owner is not None:
            shape = ListShape(shape.filters, shape.sort, owner)
        compiled = prepared.list_of(shape)
        values = dict(query.values)
        if owner is not None:
            values["actor_id"] = actor.user_id
        key = (spec.name, shape, tuple(values.items()))
        count = self._totals.get(spec.name, key) if query.total else None
        counting = query.total and count is None
        queries = [(compiled.statement.rows, {**values, "row_limit": query.limit, "row_offset": query.offset})]
        version = self._totals.version(spec.name)
        if counting:
            queries.append((compiled.statement.count, values))
        inline = compiled.cheap and not counting and query.limit <= INLINE_LIMIT
        answers = await self._store.read(queries, inline=inline)
        if counting:
            count = int(answers[1][0][0])
            self._totals.put(spec.name, key, version, count)
        return Page(str(answers[0][0][0]), count)

    async def _prepare(self, actor: Actor, model: str, columns: dict[str, Any], record_id: int | None) -> Prepared:
        behaviour = self._behaviours.get(model)
        return Prepared(columns) if behaviour is None else await behaviour.prepare(actor, columns, record_id=record_id)

    def _settle(self, transaction: Transaction, prepared: PreparedModel, verb: WriteVerb, record_id: int) -> None:
        behaviour = self._behaviours.get(prepared.spec.name)
        if behaviour is None:
            return
        found = transaction.execute(prepared.stored_row, {"id": record_id}).fetchone()
        behaviour.settle(transaction, verb, record_id, None if found is None else _revealed(prepared, found))

    def _cap(self, transaction: Transaction, spec: ModelSpec, size: int) -> None:
        if spec.options.log_cap_setting is not None:
            cap = int(getattr(self._settings.current, spec.options.log_cap_setting))
            self._caps[spec.name].added(transaction, size, cap)

    def _match(
        self,
        transaction: Transaction,
        prepared: PreparedModel,
        owner: str | None,
        parameters: Mapping[str, Any],
        if_match: Callable[[str], bool],
    ) -> None:
        found = transaction.execute(prepared.read[owner], parameters).fetchone()
        if found is None:
            raise _absent(prepared.spec, int(parameters["id"]))
        if not if_match(etag_of(str(found[0]))):
            raise PreconditionFailed("The record was changed by somebody else. Read it again, then repeat the change.")

    def _owner_of(self, transaction: Transaction, prepared: PreparedModel, record_id: int) -> int | None:
        column = prepared.spec.owner_column
        if column is None:
            return None
        found = transaction.execute(prepared.stored_row, {"id": record_id}).fetchone()
        return None if found is None else found[prepared.columns.index(column)]

    def _publish(self, model: str, verb: WriteVerb, record_id: int, owner_id: int | None) -> None:
        self._bus.publish(RecordChanged(model, verb, record_id, owner_id))


def _absent(spec: ModelSpec, record_id: int) -> NotFound:
    return NotFound(f"There is no {spec.options.label.lower()} {record_id}.")


def _system_only(actor: Actor) -> None:
    if actor.kind != "system":
        raise Forbidden("Only the program itself may see this.")


def _complete(actor: Actor, spec: ModelSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with every other field that the actor may write, so that nothing of the old row remains."""
    fixed = {
        name: field.info.default
        for name, field in spec.fields.items()
        if not (field.info.read_only or field.info.create_only or field.info.write_only)
        and (actor.is_admin or not field.info.admin_only)
    }
    return {**fixed, **values}


def _revealed(prepared: PreparedModel, row: tuple[Any, ...]) -> dict[str, Any]:
    values = dict(zip(prepared.columns, row, strict=True))
    for name in prepared.json_columns:
        if values[name] is not None:
            values[name] = orjson.loads(values[name])
    for name in prepared.boolean_columns:
        if values[name] is not None:
            values[name] = bool(values[name])
    return values


def _cascades(registry: ModelRegistry) -> dict[str, tuple[str, ...]]:
    """Which tables lose rows when a row of another goes."""
    found: dict[str, list[str]] = {}
    for spec in registry:
        for key in spec.table.foreign_keys:
            if key.ondelete in ("CASCADE", "SET NULL"):
                found.setdefault(key.column.table.name, []).append(spec.name)
    return {name: tuple(tables) for name, tables in found.items()}
