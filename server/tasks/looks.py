"""Looks at one stored task that never take the whole of it: its result may be many megabytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from server.access.actor import SYSTEM, Actor
from server.errors import NotFound
from server.models.task import FIND_SQL, Task
from server.records.service import Records
from server.records.values import BadValue, check_json

MODEL = "tasks"
_LONGEST_CHARACTER = 4


class Looks:
    """All of it is read in reader threads: even what stands behind a large column in its row costs time to reach."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def own(self, actor: Actor, key: str, asked_by: Mapping[str, Any] | None) -> dict[str, Any]:
        """As `Tasks.of`."""
        found = None if actor.user_id is None else await self._find(key, actor.user_id)
        if found is None or not (asked_by is None or _is_asked_by(found[1], asked_by)):
            raise NotFound(f"You have no task {key!r}.")
        return found[0]

    async def nobodys(self, key: str) -> dict[str, Any] | None:
        """The task `key` if it is no person's, but for its result."""
        found = await self._find(key, None)
        return None if found is None else found[0]

    async def result_part(self, task_id: int, begin: int, end: int) -> tuple[str, int]:
        """As `Tasks.result_part`."""
        table, most = Task.__tablename__, end - begin + _LONGEST_CHARACTER - 1
        piece, whole = await self._records.shelf.store.read_piece(table, "result", task_id, begin, most)
        start = _next_character(piece, 0) if begin else 0
        return piece[start : _next_character(piece, end - begin)].decode(), whole

    async def _find(self, key: str, owner_id: int | None) -> tuple[dict[str, Any], Mapping[str, Any] | None] | None:
        try:
            check_json(key)
        except BadValue:
            # What no record takes names none.
            return None
        shelf = self._records.shelf
        prepared = shelf.models[MODEL]
        shown = shelf.policy.allow(SYSTEM, prepared.spec, "read").shown
        text = prepared.read(tuple(name for name in shown if name != "result"), None)
        [found] = await shelf.store.read([(FIND_SQL, {"key": key, "owner_id": owner_id})])
        if not found:
            return None
        task_id, acting = found[0]
        [rows] = await shelf.store.read([(text, {"id": task_id})])
        if not rows:
            return None
        return orjson.loads(rows[0][0]), None if acting is None else orjson.loads(acting)


def _is_asked_by(acting: Mapping[str, Any] | None, caller: Mapping[str, Any]) -> bool:
    return acting is not None and all(acting[name] == caller[name] for name in ("kind", "credential_id", "resource"))


def _next_character(piece: bytes, place: int) -> int:
    """The first place from `place` on where a character begins; its end if there is none."""
    while place < len(piece) and piece[place] & 0xC0 == 0x80:
        place += 1
    return place
