"""What a change of own models takes away, and that a person has to know of it before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.db.statements import filled_sql
from server.errors import Conflict
from server.models.own_definition import OwnDefinition
from server.records.own_put import Put
from server.records.work import Work


@dataclass(frozen=True, slots=True)
class Loss:
    """What a change takes away."""

    field: str
    change: str
    """`dropped` or `converted`."""
    records: int
    """Records that have a value in the field."""


def losing(old: OwnDefinition, new: OwnDefinition, renamed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The fields whose values a change takes away, and what becomes of each."""
    kept = {renamed.get(field.name, field.name): field for field in new.fields}
    for field in old.fields:
        now = kept.get(field.name)
        if now is None or now.type != field.type:
            yield field.name, "dropped" if now is None else f"converted to {now.type}"


def refuse_losses(work: Work, puts: Sequence[Put]) -> None:
    """Raise Conflict for values that came since nobody had any."""
    losses = [
        Loss(name, change, records)
        for put in puts
        if put.old is not None
        for name, change in losing(put.old, put.new, put.renamed)
        if (records := count_filled(work, put.old.name, name))
    ]
    if losses:
        raise values_go(losses)


def count_filled(work: Work, model: str, field: str) -> int:
    """How many records have a value in a field."""
    sql = filled_sql(work.prepared(model).spec.table, field)
    return int(work.transaction.execute(sql).fetchone()[0])


def records_go(count: int) -> Conflict:
    """Nobody has confirmed that records go."""
    return Conflict(
        f"{count} records would be lost. Repeat it with confirm=true; a copy of the database is kept.",
        code="confirmation_needed",
    )


def values_go(losses: Sequence[Loss]) -> Conflict:
    """Nobody has confirmed that values go."""
    parts = ", ".join(f"{loss.field} is {loss.change} ({loss.records} records have a value)" for loss in losses)
    return Conflict(
        f"Values may be lost: {parts}. Repeat it with confirm=true; a copy of the database is kept.",
        code="confirmation_needed",
    )
