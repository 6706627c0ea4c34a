"""Staged rows become records: inside the one writer, with large statements."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from server.access.actor import Actor
from server.db import file_rows
from server.db.staging import CONSTANT, BulkInsert, missing_sql
from server.models.registry import ModelSpec
from server.models.stored_file import FILES_TABLE
from server.records.file_references import fit_parameters, misfit
from server.records.import_plan import ColumnPlan, RowErrors, problems_of
from server.records.shelf import Shelf
from server.records.work import Work

TOLD_ONE_BY_ONE = 100
"""Up to so many new records are told one by one; more are one event."""
TUNED_FROM = 10_000

Execute = Callable[[str, dict[str, Any]], Any]
Problem = tuple[int, str, str, str]


@dataclass(slots=True)
class Taken:
    """What a part of an import came to."""

    rows: int = 0
    first_id: int | None = None
    last_id: int | None = None
    seconds: float = 0.0

    def add(self, other: Taken) -> None:
        self.rows += other.rows
        self.first_id = other.first_id if self.first_id is None else self.first_id
        self.last_id = other.last_id if other.last_id is not None else self.last_id


class Takeover:
    """The statements of one import. A pure function of the transaction: it may run twice."""

    def __init__(
        self, shelf: Shelf, actor: Actor, spec: ModelSpec, plan: ColumnPlan, owner: int | None, kept: bool
    ) -> None:
        self._shelf = shelf
        self._actor = actor
        self._spec = spec
        self._kept = kept
        prepared = shelf.models[spec.name]
        self._constants = {name: value for name, value in prepared.defaults.items() if name not in plan.names}
        self.owner = owner if spec.owner_column == "owner_id" else None
        if "owner_id" in self._constants:
            self._constants["owner_id"] = self.owner
        self._bulk = BulkInsert(spec.table, plan.names, tuple(self._constants))
        self._relations = [(name, model) for name, model in prepared.relations if name in plan.names]
        self._settled: dict[str, Any] | None = None
        self._unknown = shelf.unknown_to(actor, spec)

    def look(self, execute: Execute, last: int, limit: int) -> None:
        """Before the writer: refuse what contradicts what is stored, in a snapshot that was begun after this call.

        The writer looks again at what has changed since.
        """
        seen = self._targets_now()
        refuse(self.problems(execute, 1, last, limit + 1), limit)
        self._settled = seen

    def _targets_now(self) -> dict[str, Any]:
        """What decides about references to each model: how often it was changed, and what its actor may read of it.

        Files are told by more than their own table, and rows of the model itself change while they are stored.
        """
        names = {model for _, model in self._relations} - {FILES_TABLE, self._spec.name}
        versions, policy, registry = self._shelf.store.versions, self._shelf.policy, self._shelf.registry
        return {
            name: (version, policy.permission(self._actor, registry.get(name), "read"))
            for name in names
            if (version := versions.of(name)) is not None
        }

    def _news(self, execute: Execute, last: int, limit: int) -> list[Problem]:
        """In the writer: problems that `look` could not see. SQLite itself looks at values that must be unique."""
        if self._settled is None:
            return self.problems(execute, 1, last, limit)
        now = self._targets_now().items()
        same = {name for name, found in now if self._settled.get(name) == found}
        relations = [(name, model) for name, model in self._relations if model not in same]
        return self.problems(execute, 1, last, limit, uniques=[], relations=relations)

    def problems(
        self,
        execute: Execute,
        low: int,
        high: int,
        limit: int,
        *,
        uniques: list[tuple[str, ...]] | None = None,
        relations: list[tuple[str, str]] | None = None,
    ) -> list[Problem]:
        """Rows whose values are taken or whose references lead nowhere, as far as can be told before the insert.

        Of all columns that must be unique and all relations, or of those that are given.
        """
        window = {
            **self._parameters(self._constants),
            "low": low,
            "high": high,
            "row_limit": limit,
            "actor_id": self._actor.user_id,
        }
        found: list[Problem] = []
        for names in self._bulk.unique_sets() if uniques is None else uniques:
            shown = [name for name in names if name != "owner_id"] or list(names)
            told = ["" if name in self._unknown else name for name in shown]
            for (row,) in execute(self._bulk.taken_sql(names), window).fetchall():
                found += [(row, name, "not_unique", "another record already has this value") for name in told]
        for name, model in self._relations if relations is None else relations:
            if model == FILES_TABLE:
                found += self._file_problems(execute, name, window)
                continue
            target = self._shelf.registry.get(model)
            may = self._shelf.policy.permission(self._actor, target, "read")
            sql = missing_sql(name, target.table, may.owned_by, none=may.extent == "none")
            label = self._shelf.policy.noun(self._actor, target)
            found += [
                (row, name, "no_such_record", f"there is no {label} {value}")
                for row, value in execute(sql, window).fetchall()
            ]
        return found

    def _file_problems(self, execute: Execute, name: str, window: dict[str, Any]) -> list[Problem]:
        field = self._spec.fields[name]
        reach = self._shelf.file_reach(self._actor)
        missing, unfit = file_rows.staged_missing_sql(name, reach), file_rows.staged_unfit_sql(name, reach)
        found = [
            (row, name, "no_such_record", f"there is no file {value}")
            for row, value in execute(missing, window).fetchall()
        ]
        return found + [
            (row, name, *misfit(field, str(kind), int(size)))
            for row, kind, size in execute(unfit, {**window, **fit_parameters(field)}).fetchall()
        ]

    def all_rows(self, work: Work, last: int, limit: int) -> Taken:
        """Every staged row. Raises ValidationFailed with the rows that contradict what is stored."""
        execute = work.transaction.execute
        refuse(self._news(execute, last, limit + 1), limit)
        tuned = last >= TUNED_FROM
        for sql in self._bulk.prepare_search() if tuned else ():
            execute(sql, {})
        taken = Taken()
        error = self._insert(work, 1, last, "[]", taken)
        if error is not None:
            refuse(self.problems(execute, 1, last, limit + 1), limit)
            raise error
        for sql in self._bulk.index_sql() if tuned and taken.rows else ():
            execute(sql, {"first": taken.first_id, "last": taken.last_id})
        work.transaction.settle_search()
        for sql in self._bulk.restore_search() if tuned else ():
            execute(sql, {})
        return taken

    def some_rows(self, work: Work, low: int, high: int) -> tuple[Taken, list[Problem]]:
        """The staged rows from `low` to `high` that can be stored, and what is wrong with the others."""
        began = time.perf_counter()
        problems = self.problems(work.transaction.execute, low, high, high - low + 1)
        taken = Taken()
        bad = orjson.dumps(sorted({row for row, *_ in problems})).decode()
        if self._insert(work, low, high, bad, taken) is not None:
            refused = {row for row, *_ in problems}
            for row in range(low, high + 1):
                error = None if row in refused else self._insert(work, row, row, "[]", taken)
                if error is not None:
                    problems += [(row, *problem) for problem in problems_of(error)]
        taken.seconds = time.perf_counter() - began
        return taken, problems

    def _insert(self, work: Work, low: int, high: int, bad: str, taken: Taken) -> Any:
        values = self._parameters({**self._constants, "created_at": work.now, "updated_at": work.now})
        work.transaction.touched.add(self._spec.name)
        rows, error = work.transaction.attempt(
            self._bulk.insert_sql(), {**values, "low": low, "high": high, "bad": bad}, self._unknown
        )
        if error is not None:
            return error
        for name, model in self._relations:
            if model == FILES_TABLE:
                work.transaction.execute(file_rows.staged_in_use_sql(name), {"low": low, "high": high})
        if rows:
            last = int(work.transaction.execute(self._bulk.ids_sql()).fetchone()[0])
            # One statement numbers its rows without gaps, unless they brought their own ids.
            first = None if self._kept else last - rows + 1
            taken.add(Taken(rows, first, None if self._kept else last))
        return None

    @staticmethod
    def _parameters(constants: dict[str, Any]) -> dict[str, Any]:
        return {f"{CONSTANT}{name}": value for name, value in constants.items()}

    def tell(self, work: Work, taken: Taken) -> None:
        """One entry in the history; events for each of a few records, one for many."""
        ids: list[int] = []
        if taken.rows <= TOLD_ONE_BY_ONE and taken.first_id is not None and taken.last_id is not None:
            ids = list(range(taken.first_id, taken.last_id + 1))
        details = {"rows": taken.rows, "first_id": taken.first_id, "last_id": taken.last_id}
        work.imported(self._spec.name, self.owner, details, ids if len(ids) == taken.rows else [])


def refuse(problems: list[Problem], limit: int) -> None:
    """Raise ValidationFailed for the rows that have problems, if there are any."""
    errors = RowErrors(limit)
    add_problems(errors, problems)
    if errors.rows:
        raise errors.failure()


def add_problems(errors: RowErrors, problems: list[Problem]) -> None:
    """Add problems, row by row."""
    by_row: dict[int, list[tuple[str, str, str]]] = {}
    for row, name, code, message in problems:
        by_row.setdefault(row, []).append((name, code, message))
    for row in sorted(by_row):
        errors.add(row, by_row[row])
