"""Creates that wait at the same time, stored by a few statements for all of them instead of a few for each.

Every call into SQLite gives up Python's lock and has to win it back from the event loop; with many writers that wait is
most of a short write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import Any

from server.access.actor import Actor
from server.db.statements import ROW_SEPARATOR
from server.db.writer import Transaction
from server.events.bus import RecordChanged
from server.log import caller_address
from server.records.prepared import PreparedModel
from server.records.shelf import Shelf
from server.records.steady import planned_at
from server.records.times import now_text
from server.records.work import HISTORY, Work, owner_of

LARGEST_PART = 64
Outcome = tuple[Any, list[RecordChanged]]


class NotAlike(Exception):
    """One of the creates is not as simple as it looked: they have to run one by one."""


@dataclass(slots=True)
class Unit:
    """A unit of work in the name of an actor; with `row`, one that does nothing but to store this row."""

    shelf: Shelf
    actor: Actor
    run: Callable[[Work, list[Any]], Any]
    row: dict[str, Any] | None = None
    made: Callable[[int, str], Any] | None = None
    """What the result of the unit is, from the row's id and JSON text."""
    planned: int = field(init=False)
    address: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.planned = planned_at(self.shelf.epoch)
        # The writer's thread knows nothing of the request.
        self.address = caller_address.get()

    def __call__(self, transaction: Transaction) -> Outcome:
        self.shelf.epoch.check(self.planned)
        work = Work(self.shelf, transaction, self.actor)
        work.address = self.address
        return self.run(work, []), work.events


@dataclass(slots=True)
class Creates:
    """Creates of one model, told of to their makers with the same fields."""

    shelf: Shelf = field(compare=False)
    model: str
    shown: tuple[str, ...]

    def __call__(self, transaction: Transaction, units: Sequence[Unit]) -> list[Outcome]:
        """Store the rows of all units. Raises what any of them meets."""
        prepared = self.shelf.models[self.model]
        now = now_text()
        first = int(transaction.execute(prepared.next_id).fetchone()[0])
        rows: list[tuple[Any, ...]] = []
        entries: list[dict[str, Any]] = []
        events: list[RecordChanged] = []
        in_order = itemgetter(*prepared.columns)
        for record_id, unit in zip(count(first), units):
            self.shelf.epoch.check(unit.planned)
            work = Work(self.shelf, transaction, unit.actor, now)
            row = {**(unit.row or {}), "id": record_id}
            for moment in ("created_at", "updated_at"):
                row[moment] = row[moment] or now
            if work.told(prepared, row, self.shown) != self.shown:
                raise NotAlike
            work.check_relations(prepared, row, {})
            owner = owner_of(prepared.spec, row, record_id)
            rows.append(in_order(row))
            events.append(RecordChanged(self.model, "create", record_id, owner))
            if work.remembers(prepared.spec):
                entries.append(work.entry(prepared.spec, "create", record_id, owner, None, None))
        transaction.touched.add(self.model)
        _insert(transaction, prepared, rows)
        if entries:
            history = self.shelf.models[HISTORY]
            transaction.touched.add(HISTORY)
            _insert(transaction, history, [tuple(map(entry.get, history.columns)) for entry in entries])
            work.cap_history(entries)
        texts = dict(_texts(transaction, prepared, self.shown, first, first + len(rows) - 1))
        return [
            (unit.made(event.record_id, texts[event.record_id]) if unit.made else None, [event])
            for unit, event in zip(units, events, strict=True)
        ]


def _insert(transaction: Transaction, prepared: PreparedModel, rows: list[tuple[Any, ...]]) -> None:
    # By powers of two, so that few statements serve any number.
    done = 0
    while done < len(rows):
        part = min(LARGEST_PART, 1 << ((len(rows) - done).bit_length() - 1))
        values = tuple(value for row in rows[done : done + part] for value in row)
        transaction.execute(prepared.insert_many(part), values)
        done += part


def _texts(
    transaction: Transaction, prepared: PreparedModel, shown: tuple[str, ...], first: int, last: int
) -> Iterator[tuple[int, str]]:
    joined: str = transaction.execute(prepared.span(shown), (first, last)).fetchone()[0]
    for text in joined.split(ROW_SEPARATOR)[1:]:
        record_id, _, row = text.partition(":")
        yield int(record_id), row
