"""Own models become tables: any number of them are made and changed in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.access.actor import SYSTEM
from server.db.faults import checked_column
from server.db.file_rows import unfit_sql
from server.db.rebuild import DoesNotFit, create_table, rebuild_table
from server.db.schema_fingerprint import quoted, schema_of
from server.db.statements import unique_shape, values_sql
from server.errors import Conflict, NotFound
from server.models.own_definition import OwnDefinition
from server.models.registry import FieldSpec, ModelSpec
from server.records.file_references import fit_parameters
from server.records.own_edit import fields_to_check
from server.records.renamed_fields import follow_renames
from server.records.service import Records
from server.records.under_way import UnderWay
from server.records.values import BadValue, base64_text, stored_value
from server.records.work import Work

MODEL = "own_models"


@dataclass(frozen=True, slots=True)
class Put:
    """A model as it will be, and as it was: None if it is new."""

    new: OwnDefinition
    old: OwnDefinition | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    """New names of fields with their old ones."""


def put_all(
    work: Work, records: Records, puts: Sequence[tuple[Put, ModelSpec]], under_way: UnderWay[tuple[Put, ModelSpec]]
) -> None:
    """Make and change tables, and store the definitions. Where one is changed the unit has to be `exclusive`.

    Raises Conflict when the records of the model that is `under_way` do not fit or its table is taken.
    """
    # A changed model may refer to one that is new.
    for put, spec in under_way.each(sorted(puts, key=lambda one: one[0].old is not None)):
        if put.old is None:
            _make(work, spec, put.new)
        else:
            _change(work, records, spec, put, put.old)
    if any(put.old is not None for put, _ in puts):
        records.shelf.epoch.moved()


def _make(work: Work, spec: ModelSpec, definition: OwnDefinition) -> None:
    connection = work.transaction.connection
    if spec.name in schema_of(connection):
        raise Conflict(f"The database has a table {spec.name} of another part of the program.")
    create_table(connection, spec.table)
    row = {"name": spec.name, "definition": _text(definition)}
    work.insert(MODEL, {**row, "created_at": work.now, "updated_at": work.now}, ("id",))


def _change(work: Work, records: Records, spec: ModelSpec, put: Put, old: OwnDefinition) -> None:
    work.transaction.touched.update((spec.name, MODEL))
    convert = {name: quoted(was) for name, was in put.renamed.items()}
    try:
        rebuild_table(work.transaction.connection, spec.table, convert=convert)
    except DoesNotFit as error:
        raise Conflict(f"The records do not fit: {error}.", code="does_not_fit") from error
    except sqlite3.IntegrityError as error:
        name = checked_column(error, spec.name)
        if name is None:
            raise
        raise _unfit(name, "some") from error
    _check_values(work, spec, fields_to_check(old, put.new, put.renamed))
    follow_renames(work, records.shelf, spec, put.renamed)
    store_definition(work, records, spec.name, put.new)


def _check_values(work: Work, spec: ModelSpec, names: list[str]) -> None:
    """Raise Conflict when a stored value breaks the new rules of its field: nothing unfit may be in a table."""
    for name in names:
        field = spec.fields[name]
        bad = 0
        for (value,) in work.transaction.execute(values_sql(spec.table, name)):
            try:
                stored_value(field, _as_json(field, value))
            except BadValue:
                bad += 1
        if field.type == "file":
            bad += work.transaction.execute(unfit_sql(spec.name, name), fit_parameters(field)).fetchone()[0]
        if bad:
            raise _unfit(name, str(bad))


def _unfit(name: str, how_many: str) -> Conflict:
    return Conflict(f"{name}: {how_many} of its values do not fit the new rules.", code="does_not_fit")


def _as_json(field: FieldSpec, value: Any) -> Any:
    if field.type == "boolean":
        return bool(value)
    if field.type == "bytes":
        return base64_text(value)
    return orjson.loads(value) if field.type in ("json", "tags") else value


def store_definition(work: Work, records: Records, name: str, definition: OwnDefinition | None) -> None:
    sql = work.prepared(MODEL).columns_where(unique_shape("name"), ("id",))
    row = work.transaction.execute(sql, {"f0": name}).fetchone()
    if row is None:
        raise NotFound(f"There is no model {name!r}.", code="unknown_model")
    spec = records.registry.get(MODEL)
    if definition is None:
        work.delete(MODEL, row[0], records.policy.permission(SYSTEM, spec, "delete"))
    else:
        may = records.policy.permission(SYSTEM, spec, "update")
        work.change(MODEL, row[0], {"definition": _text(definition)}, may, ("id",))


def _text(definition: OwnDefinition) -> str:
    return orjson.dumps(definition.model_dump()).decode()
