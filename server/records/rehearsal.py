"""Dry runs: a change is really made, looked at, and undone, so that what is told is what would happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from server.access.actor import Actor
from server.errors import GridBearError
from server.records.service import Records
from server.records.work import Work

T = TypeVar("T")


class _Undone(GridBearError):
    """Carries the result out of a unit of work that is rolled back."""

    def __init__(self, result: Any) -> None:
        super().__init__("This was a dry run.")
        self.result = result


async def rehearsed(
    records: Records,
    actor: Actor,
    run: Callable[[Work, list[Any]], T],
    models: tuple[str, ...],
    *,
    dry_run: bool,
    always: bool = False,
) -> T:
    """Run one unit of work; with `dry_run` nothing of it stays, and nobody is told. `always` as for `Records.work`."""
    if not dry_run:
        return await records.work(actor, run, models, always=always)

    def undone(work: Work, results: list[Any]) -> T:
        raise _Undone(run(work, results))

    try:
        return await records.work(actor, undone, models, always=always)
    except _Undone as done:
        found: T = done.result
        return found
