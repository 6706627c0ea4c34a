"""Imports of models with a behaviour of their own (people, servers, rules…): each row as if it was created alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.access.actor import Actor
from server.errors import GridBearError
from server.models.registry import ModelSpec
from server.records.import_plan import ImportOptions, ReadFile, problems_of
from server.records.import_takeover import Taken
from server.records.import_values import MISSING, typed_value
from server.records.kept_keys import MODEL as KEYS
from server.records.planning import Planned, Result, plan_create
from server.records.service import Records
from server.records.under_way import UnderWay
from server.records.values import BadValue
from server.records.work import Work

MAX_PREPARED = 10_000

Run = Callable[[Work, list[Any]], Result]
Steps = tuple[Callable[[Work], None], Callable[[Work, Taken], None]]


async def import_one_by_one(
    records: Records,
    actor: Actor,
    spec: ModelSpec,
    read: ReadFile,
    options: ImportOptions,
    steps: Steps | None = None,
) -> Taken:
    """Create the rows of a file. Bad ones go into its errors; raises ValidationFailed when all were wanted.

    `steps`: what is done beside the first row that is stored, in its transaction, and what beside the last.
    """
    model, errors = spec.name, read.errors
    ready: list[tuple[int, Planned]] = []
    for number, cells in read.values:
        values, problems = _values(spec, cells, typed=read.file.typed)
        if problems:
            errors.add(number, problems)
            continue
        try:
            ready.append((number, await plan_create(records.shelf, actor, model, values)))
        except GridBearError as error:
            errors.add(number, problems_of(error))
    if options.dry_run:
        return Taken()
    if options.mode == "all":
        if errors.rows:
            raise errors.failure()
        under_way: UnderWay[Planned] = UnderWay()
        try:
            planned_rows = [*(planned for _, planned in ready), *_last(steps)]
            results = await records.run_planned(actor, planned_rows, under_way) if ready else []
        except GridBearError as error:
            number_of_bad = next((number for number, planned in ready if planned is under_way.step), None)
            if number_of_bad is None:
                raise
            errors.add(number_of_bad, problems_of(error))
            raise errors.failure() from error
        return _taken(results[: len(ready)])
    taken = Taken()
    for number, planned in ready:
        try:
            run = planned.run if steps is None or taken.rows else _beside(planned.run, steps[0])
            result = await records.work(actor, run, (model,) if steps is None else (model, KEYS))
        except GridBearError as error:
            errors.add(number, problems_of(error))
        else:
            taken.add(Taken(1, result.record_id, result.record_id))
    if steps is not None and taken.rows:
        end = steps[1]
        await records.work(actor, lambda work, _: end(work, taken), (KEYS,), always=True)
    return taken


def _taken(results: list[Result]) -> Taken:
    taken = Taken()
    for result in results:
        taken.add(Taken(1, result.record_id, result.record_id))
    return taken


def _last(steps: Steps | None) -> list[Planned]:
    if steps is None:
        return []
    end = steps[1]

    def run(work: Work, results: list[Any]) -> Result:
        end(work, _taken(results))
        return Result(200, 0, "null")

    return [Planned(KEYS, "create", run)]


def _beside(
    run: Callable[[Work, list[Any]], Result], begin: Callable[[Work], None]
) -> Callable[[Work, list[Any]], Result]:
    def both(work: Work, results: list[Any]) -> Result:
        begin(work)
        return run(work, results)

    return both


def _values(
    spec: ModelSpec, cells: dict[str, Any], *, typed: bool
) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    values: dict[str, Any] = {}
    problems: list[tuple[str, str, str]] = []
    for name, cell in cells.items():
        if cell is MISSING:
            continue
        field = spec.fields[name]
        try:
            value = cell if typed else typed_value(field, cell)
        except BadValue as bad:
            problems.append((name, bad.code, bad.message))
            continue
        # An empty cell of a field that can't be empty has no value: the default is for it.
        if value is not None or field.nullable or typed:
            values[name] = value
    return values, problems
