"""Records that refer to each other in a circle: none could be the first to come back, so they come together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from server.access.policy import Permission
from server.db import trash
from server.models.registry import ModelSpec
from server.records.prepared import PreparedModel
from server.records.work import Work

Place = tuple[str, int]
"""A record: its model and id."""

_MOST_LOOKED_AT = 1000


class Circles:
    """References between records that come back together: where none can be the first, one comes with it empty."""

    def __init__(self, coming: set[Place]) -> None:
        self._coming = coming
        self._open: list[tuple[ModelSpec, Permission, int, dict[str, Any], tuple[str, ...]]] = []

    def open(self, prepared: PreparedModel, may: Permission, row: dict[str, Any], shown: tuple[str, ...]) -> None:
        """Empty the references of a row to records that come later. `shown`: fields of its text in the end."""
        spec, record_id = prepared.spec, row["id"]
        self._coming.discard((spec.name, record_id))
        early = {
            name: row[name]
            for name, target in prepared.relations
            if (target, row[name]) in self._coming and spec.table.c[name].nullable
        }
        if early:
            row.update(dict.fromkeys(early))
            self._open.append((spec, may, record_id, early, shown))

    def close(self, work: Work) -> dict[Place, str]:
        """Now that all are there. Returns the texts of the rows that this changed."""
        return {
            (spec.name, record_id): work.change(spec.name, record_id, references, may, shown, from_history=True)
            for spec, may, record_id, references, shown in self._open
        }


def circle_around(work: Work, start: Place, changes: Mapping[str, Any], since: str) -> list[Place]:
    """The deleted records that `start` refers to and that refer back to it, over others or not, and itself.

    They are in an order in which they can come back: where a reference may not be empty, its record comes first.
    `changes` are values that `start` comes back with, deletions before `since` don't count. Alone: no circle.
    """
    references: dict[Place, dict[Place, bool]] = {}
    waiting = [start]
    while waiting and len(references) < _MOST_LOOKED_AT:
        place = waiting.pop()
        if place not in references:
            references[place] = _missing(work, place, changes if place == start else {}, since)
            waiting += references[place]
    circle = _reaching(start, references)
    order: list[Place] = []
    while circle:
        needed = {place: {to for to, may_wait in references[place].items() if not may_wait} for place in circle}
        ready = sorted(place for place in circle if needed[place].isdisjoint(circle - {place}))
        # The one that was asked for comes last, if it can: then all that it refers to is there.
        found = next((place for place in ready if place != start), ready[0] if ready else start)
        order.append(found)
        circle.remove(found)
    return order


def _missing(work: Work, place: Place, changes: Mapping[str, Any], since: str) -> dict[Place, bool]:
    """The records that a deleted one refers to and that are gone too, and whether that reference may be empty."""
    model, record_id = place
    prepared = work.prepared(model)
    values = {"model": model, "record_id": record_id}
    deletion = work.transaction.execute(trash.last_deletion_sql(), values).fetchone()
    if deletion is None or deletion[3] < since:
        return {}
    row = {**orjson.loads(deletion[1]), **changes}
    found: dict[Place, bool] = {}
    for name, target in prepared.relations:
        to = row.get(name)
        if name != prepared.spec.owner_column and type(to) is int and work.is_gone(target, to):
            may_wait = bool(prepared.spec.table.c[name].nullable)
            found[target, to] = may_wait and found.get((target, to), True)
    return found


def _reaching(start: Place, references: Mapping[Place, Iterable[Place]]) -> set[Place]:
    """Of the records that are reached from `start`, those that reach it."""
    referrers: dict[Place, list[Place]] = {}
    for place, targets in references.items():
        for to in targets:
            referrers.setdefault(to, []).append(place)
    found, waiting = {start}, [start]
    while waiting:
        for place in referrers.get(waiting.pop(), ()):
            if place not in found:
                found.add(place)
                waiting.append(place)
    return found
