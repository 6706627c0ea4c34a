"""Where pages that were read ended: the pages after them are sought from there, not counted off from the first row."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable
from typing import Any

from server.db.table_versions import TableVersions
from server.records.fresh import Fresh

MAX_LISTS = 256
MAX_PLACES = 512
"""Of one list. With more, every second is forgotten."""

Place = tuple[int, tuple[Any, ...]]
"""How many rows come before, and the sort keys of the last of them."""


class Places:
    """Known places of lists, until the next commit that touches their model."""

    def __init__(self, versions: TableVersions) -> None:
        self._lists: Fresh[list[Place]] = Fresh(versions, MAX_LISTS)

    def before(self, model: str, key: Hashable, offset: int) -> Place | None:
        """The last known place that is not beyond `offset`."""
        places = self._lists.get(model, key)
        if not places:
            return None
        index = bisect_right(places, offset, key=_rows_before)
        return places[index - 1] if index else None

    def keep(self, model: str, key: Hashable, version: int | None, place: Place) -> None:
        """Remember a place of a list that was read at `version` (as of `Fresh.version`)."""
        if version is None or version != self._lists.version(model):
            return
        places = self._lists.get(model, key) or []
        index = bisect_right(places, place[0], key=_rows_before)
        if index and places[index - 1][0] == place[0]:
            return
        insort(places, place, key=_rows_before)
        if len(places) > MAX_PLACES:
            del places[::2]
        self._lists.put(model, key, version, places)


def _rows_before(place: Place) -> int:
    return place[0]
