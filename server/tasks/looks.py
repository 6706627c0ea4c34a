"""Looks at stored tasks that never take the whole of one: its result may be many megabytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from server.access.actor import SYSTEM, Actor
from server.errors import NotFound
from server.models.task import ASKED_BY_SQL, FIND_SQL, OPEN_STATES, Task
from server.records.service import Records
from server.records.values import BadValue, check_json

MODEL = "tasks"
_LISTED = (
    "id,key,kind,title,status,priority,progress,message,error,attempts,retry_of,created_at,updated_at,started_at,"
    "finished_at"
)
_LEFT = "id,kind,owner_id,priority,status,attempts,not_before"
_CREDENTIAL = ("kind", "credential_id", "resource")
"""What tells the credentials of a person apart, of what is kept of a caller."""
_PAGE = 500
_LONGEST_CHARACTER = 4


class Looks:
    """One task is read in reader threads: even what stands behind a large column in its row costs time to reach."""

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

    async def listed(
        self,
        owner_id: int,
        wanted: Mapping[str, str | None],
        asked_by: Mapping[str, Any] | None,
        limit: int,
        offset: int,
    ) -> tuple[list[dict[str, Any]], int]:
        """As `Tasks.listed`. `wanted`: the kind and the status, None for any."""
        if asked_by is not None:
            return await self._of_credential(owner_id, wanted, asked_by, limit, offset)
        asked = [(name, value) for name, value in wanted.items() if value is not None]
        asked += [("owner_id", str(owner_id)), ("sort", "-id"), ("fields", _LISTED)]
        asked += [("limit", str(limit)), ("offset", str(offset))]
        page = await self._records.list_page(SYSTEM, MODEL, asked)
        return orjson.loads(page.rows), page.count or 0

    async def left(self) -> AsyncIterator[dict[str, Any]]:
        """What waits or runs by the file, in the order in which it was submitted; only what a queue begins by."""
        last = 0
        while True:
            asked = [("status__in", ",".join(OPEN_STATES)), ("id__gt", str(last)), ("sort", "id"), ("fields", _LEFT)]
            asked += [("limit", str(_PAGE)), ("total", "false")]
            rows = orjson.loads((await self._records.list_page(SYSTEM, MODEL, asked)).rows)
            for row in rows:
                yield row
            if len(rows) < _PAGE:
                return
            last = int(rows[-1]["id"])

    async def _of_credential(
        self, owner_id: int, wanted: Mapping[str, str | None], caller: Mapping[str, Any], limit: int, offset: int
    ) -> tuple[list[dict[str, Any]], int]:
        credential = {f"as_{name}": caller[name] for name in _CREDENTIAL}
        found = self._records.shelf.store.read_now(ASKED_BY_SQL, {"owner_id": owner_id, **wanted, **credential})
        ids = [str(row[0]) for row in found[offset : offset + limit]]
        if not ids:
            return [], len(found)
        asked = [("id__in", ",".join(ids)), ("limit", str(limit)), ("sort", "-id"), ("fields", _LISTED)]
        page = await self._records.list_page(SYSTEM, MODEL, asked)
        return orjson.loads(page.rows), len(found)

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
    return acting is not None and all(acting[name] == caller[name] for name in _CREDENTIAL)


def _next_character(piece: bytes, place: int) -> int:
    """The first place from `place` on where a character begins; its end if there is none."""
    while place < len(piece) and piece[place] & 0xC0 == 0x80:
        place += 1
    return place
