"""Creates that wait at the same time, stored by a few statements for all of them instead of a few for each.

Every call into SQLite gives up Python's lock and has to win it back from the event loop; with many writers that wait is
most of a short write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from server.access.actor import Actor
from server.db.statements import ROW_SEPARATOR
from server.db.transaction import Transaction
from server.events.bus import RecordChanged
from server.log import caller_address
from server.records.log_rows import insert_rows
from server.records.prepared import PreparedModel
from server.records.relations import check_relations
from server.records.row_form import RowForm, needs_only_storing
from server.records.shelf import Shelf
from server.records.steady import planned_at
from server.records.times import now_text
from server.records.work import HISTORY, Work

MAX_KNOWN = 10_000
Outcome = tuple[Any, list[RecordChanged]]


class NotAlike(Exception):
    """Rules have changed since the creates were planned: they have to run one by one."""


@dataclass(slots=True)
class Unit:
    """A unit of work in the name of an actor."""

    shelf: Shelf
    actor: Actor
    run: Callable[[Work, list[Any]], Any]
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
        result = self.run(work, [])
        return result, [*work.events, *self.shelf.posted(transaction, work.events)]


class NewRow:
    """A unit of work that does nothing but to store a row. Its result is the row's id and JSON text.

    `row` is in the order of the form's columns, without id and times.
    """

    __slots__ = ("_form", "_shelf", "actor", "planned", "row")

    def __init__(self, shelf: Shelf, actor: Actor, form: RowForm, row: list[Any], planned: int) -> None:
        self._shelf = shelf
        self._form = form
        self.actor = actor
        self.row = row
        self.planned = planned

    def __call__(self, transaction: Transaction) -> Outcome:
        self._shelf.epoch.check(self.planned)
        work = Work(self._shelf, transaction, self.actor)
        times = {"created_at": work.now, "updated_at": work.now}
        row = {**dict(zip(self._form.columns, self.row, strict=True)), **times}
        told = work.insert(self._form.model, row, self._form.shown)
        return told, [*work.events, *self._shelf.posted(transaction, work.events)]


class Creates:
    """Creates of one model by people with the same rights."""

    def __init__(self, shelf: Shelf, form: RowForm) -> None:
        self._shelf = shelf
        self.form = form
        self._model = form.model
        self._shown = form.shown
        self._rules = shelf.policy.version
        self._referring = form.referring
        self._places = tuple(map(form.columns.index, ("id", "created_at", "updated_at")))

    def __call__(self, transaction: Transaction, units: Sequence[NewRow]) -> list[Outcome]:
        """Store the rows of all units. Raises what any of them meets."""
        shelf = self._shelf
        if shelf.policy.version != self._rules:
            raise NotAlike
        prepared = shelf.models[self._model]
        now = now_text()
        first = int(transaction.execute(prepared.next_id).fetchone()[0])
        id_place, created_place, updated_place = self._places
        rows = []
        for record_id, unit in zip(count(first), units):
            shelf.epoch.check(unit.planned)
            # The unit may run again, alone.
            row = unit.row.copy()
            row[id_place] = record_id
            row[created_place] = row[updated_place] = now
            rows.append(row)
        for unit, row in zip(units, rows, strict=True) if self._referring else ():
            columns = dict(zip(prepared.columns, row, strict=True))
            check_relations(shelf, transaction, unit.actor, prepared, columns, {})
        transaction.touched.add(self._model)
        insert_rows(transaction, prepared, rows)
        events = self._events(prepared, rows, first)
        self._remember(transaction, prepared, units, events, now)
        texts = _texts(transaction, prepared, self._shown, first, first + len(rows) - 1)
        outcomes = [(told, [event]) for told, event in zip(texts, events, strict=True)]
        outcomes[-1][1].extend(shelf.posted(transaction, events))
        return outcomes

    def _events(self, prepared: PreparedModel, rows: list[list[Any]], first: int) -> list[RecordChanged]:
        owner = prepared.spec.owner_column
        if owner is None:
            return [RecordChanged(self._model, "create", number, None) for number in range(first, first + len(rows))]
        place = prepared.columns.index(owner)
        return [RecordChanged(self._model, "create", number, row[place]) for number, row in zip(count(first), rows)]

    def _remember(
        self,
        transaction: Transaction,
        prepared: PreparedModel,
        units: Sequence[NewRow],
        events: Sequence[RecordChanged],
        now: str,
    ) -> None:
        """Write the history of all rows: entries of one actor differ in numbers alone."""
        if not Work(self._shelf, transaction, units[0].actor, now).remembers(prepared.spec):
            return
        history, cap = self._shelf.models[HISTORY], self._shelf.caps[HISTORY]
        id_place, owner_place = map(history.columns.index, ("record_id", "record_owner_id"))
        patterns: dict[Actor, tuple[list[Any], int]] = {}
        entries: list[list[Any]] = []
        size = 0
        for unit, event in zip(units, events, strict=True):
            known = patterns.get(unit.actor)
            if known is None:
                work = Work(self._shelf, transaction, unit.actor, now)
                columns = work.entry(prepared.spec, "create", 0, None, None, None)
                known = patterns[unit.actor] = list(map(columns.get, history.columns)), cap.size_of(columns)
            entry = known[0].copy()
            entry[id_place], entry[owner_place] = event.record_id, event.owner_id
            entries.append(entry)
            size += known[1]
        transaction.touched.add(HISTORY)
        insert_rows(transaction, history, entries)
        cap.grown(transaction, size, self._shelf.cap_of(HISTORY))


class KnownCreates:
    """The creates in use. A change of models or rules makes all of them anew."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._of_actor: dict[tuple[Actor, str], Creates | None] = {}
        self._of_rights: dict[tuple[Any, ...], Creates] = {}
        self._rules = shelf.policy.version

    def of(self, actor: Actor, model: str) -> Creates | None:
        """What `actor` makes rows of a model with; None where each has to be planned for itself.

        Raises NotFound, Unauthorized and Forbidden as planning a create does.
        """
        if self._rules != self._shelf.policy.version or len(self._of_actor) > MAX_KNOWN:
            self.forget()
        key = actor, model
        if key not in self._of_actor:
            self._of_actor[key] = self._shared(actor, model) if needs_only_storing(self._shelf, *key) else None
        return self._of_actor[key]

    def forget(self) -> None:
        """Make all anew: models, rules or behaviours have changed."""
        self._of_actor.clear()
        self._of_rights.clear()
        self._rules = self._shelf.policy.version

    def _shared(self, actor: Actor, model: str) -> Creates:
        spec = self._shelf.registry.get(model)
        may = self._shelf.policy.allow(actor, spec, "create")
        rights = model, may.hidden, self._shelf.shown_to(actor, spec), actor.is_admin
        if rights not in self._of_rights:
            self._of_rights[rights] = Creates(self._shelf, RowForm(self._shelf, actor, model))
        return self._of_rights[rights]


def _texts(
    transaction: Transaction, prepared: PreparedModel, shown: tuple[str, ...], first: int, last: int
) -> Iterator[tuple[int, str]]:
    joined: str = transaction.execute(prepared.span(shown), (first, last)).fetchone()[0]
    for text in joined.split(ROW_SEPARATOR)[1:]:
        record_id, _, row = text.partition(":")
        yield int(record_id), row
