"""Which waiting task goes next: by priority, fairly between people, within the limits of kinds and people."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A task that waits or runs: its row id, kind, person (None: the program itself) and priority."""

    record_id: int
    kind: str
    owner_id: int | None
    priority: int
    led_by: tuple[str, ...] = ()
    """The hooks that led to it."""

    @classmethod
    def of(cls, row: Mapping[str, Any], path: Sequence[str] = ()) -> Entry:
        """That of a row of tasks, which the hooks of `path` led to."""
        return cls(int(row["id"]), row["kind"], row["owner_id"], row["priority"], tuple(path))


_Lane = tuple[str, int | None]


class Waiting:
    """Pure bookkeeping without I/O. `take` gives out a place, `ended` gives it back."""

    def __init__(self) -> None:
        self._lanes: dict[_Lane, list[tuple[int, int]]] = {}
        self._entries: dict[int, Entry] = {}
        self._of_kind: Counter[str] = Counter()
        self._of_person: Counter[int | None] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Let a task wait for its turn."""
        self._entries[entry.record_id] = entry
        lane = self._lanes.setdefault((entry.kind, entry.owner_id), [])
        heapq.heappush(lane, (-entry.priority, entry.record_id))

    def discard(self, record_id: int) -> bool:
        """Forget a waiting task. Returns whether it waited."""
        return self._entries.pop(record_id, None) is not None

    def take(self, kinds: Mapping[str, int], per_person: int) -> Entry | None:
        """The next task that may begin, None when none may.

        `kinds`: how many of each known kind run at once; tasks of other kinds wait until theirs is known.
        """
        best: tuple[tuple[int, int, int], _Lane] | None = None
        for lane in list(self._lanes):
            kind, owner = lane
            head = self._head(lane)
            if head is None or self._of_kind[kind] >= kinds.get(kind, 0):
                continue
            running = self._of_person[owner]
            if owner is not None and running >= per_person:
                continue
            rank = head[0], running, head[1]
            if best is None or rank < best[0]:
                best = rank, lane
        if best is None:
            return None
        _, record_id = heapq.heappop(self._lanes[best[1]])
        entry = self._entries.pop(record_id)
        self._of_kind[entry.kind] += 1
        self._of_person[entry.owner_id] += 1
        return entry

    def ended(self, entry: Entry) -> None:
        """The task that `take` gave runs no longer."""
        self._of_kind[entry.kind] -= 1
        self._of_person[entry.owner_id] -= 1

    def _head(self, lane: _Lane) -> tuple[int, int] | None:
        waiting = self._lanes[lane]
        while waiting and waiting[0][1] not in self._entries:
            heapq.heappop(waiting)
        if not waiting:
            del self._lanes[lane]
            return None
        return waiting[0]
