"""Pages asked for by offset are sought from the pages read before, and are what counting off would give."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.access.actor import OWNER, SYSTEM
from server.db.store import Store
from server.db.table_versions import TableVersions
from server.records import places
from server.records.places import Places
from tests.conftest import Bear

pytestmark = pytest.mark.anyio

SORTS = ("id", "-id", "priority", "-priority", "priority,-id", "title:nocase", "-due_at,id")
_STEP = st.one_of(
    st.tuples(st.sampled_from(SORTS), st.integers(1, 7), st.integers(0, 45), st.sampled_from(["", "priority__gte=2"])),
    st.sampled_from(["create", "delete"]),
)


async def _page(bear: Bear, **parameters: Any) -> list[dict[str, Any]]:
    pairs = [(name, str(value)) for name, value in parameters.items()]
    rows: list[dict[str, Any]] = orjson.loads((await bear.app.records.list_page(SYSTEM, "notes", pairs)).rows)
    return rows


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, min_size=4, max_size=14))
async def test_every_page_is_the_slice_of_the_whole_list(bear: Bear, steps: list[Any]) -> None:
    records = bear.app.records
    while len(await _page(bear, limit=500)) < 40:
        number = len(await _page(bear, limit=500))
        due = f"2026-01-{1 + number % 9:02}T00:00:00Z" if number % 4 else None
        note = {"title": "aAbB"[number % 4], "priority": number % 5 or None, "due_at": due}
        await records.create(SYSTEM, "notes", note)
    for step in steps:
        if step == "create":
            await records.create(SYSTEM, "notes", {"title": "new", "priority": 3})
        elif step == "delete":
            await records.delete(SYSTEM, "notes", (await _page(bear, limit=500))[1]["id"])
        else:
            sort, limit, offset, narrowed = step
            more = dict([narrowed.split("=")]) if narrowed else {}
            whole = await _page(bear, sort=sort, limit=500, **more)
            assert await _page(bear, sort=sort, limit=limit, offset=offset, **more) == whole[offset : offset + limit]


async def test_the_page_after_a_known_one_counts_nothing_off(bear: Bear, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        await bear.app.records.create(SYSTEM, "notes", {"title": str(number)})
    skipped: list[int] = []

    def watched(read: Any) -> Any:
        def reading(self: Store, queries: Any, **how: Any) -> Any:
            skipped.extend(values["row_offset"] for _, values in queries if "row_offset" in values)
            return read(self, queries, **how)

        return reading

    monkeypatch.setattr(Store, "read", watched(Store.read))
    monkeypatch.setattr(Store, "read_inline", watched(Store.read_inline))
    for offset in (10, 20, 25, 5, 15):
        rows = await _page(bear, limit=5, offset=offset)
        assert [row["title"] for row in rows] == [str(n) for n in range(offset, offset + 5)]
    assert skipped == [10, 5, 0, 5, 0]


def test_places_are_forgotten_with_the_first_change() -> None:
    versions = TableVersions()
    known = Places(versions)
    known.keep("notes", "list", 0, (30, (1,)))
    assert known.before("notes", "list", 40) == (30, (1,))
    assert known.before("notes", "list", 29) is None
    versions.begin(frozenset(["notes"]))
    versions.end()
    assert known.before("notes", "list", 40) is None
    known.keep("notes", "list", 0, (30, (1,)))
    assert known.before("notes", "list", 40) is None, "what was read before the change is not kept after it"


def test_a_list_has_a_bounded_number_of_places() -> None:
    known = Places(TableVersions())
    for number in range(5 * places.MAX_PLACES):
        known.keep("notes", "list", 0, (number, (number,)))
    kept = known._lists.get("notes", "list")
    assert kept is not None and len(kept) <= places.MAX_PLACES and kept == sorted(kept)


async def test_a_page_as_far_beyond_the_end_as_can_be_asked_for_is_empty(bear: Bear) -> None:
    field = {"name": "place", "type": "integer", "indexed": True}
    await bear.app.own_models.create(OWNER, {"name": "rows", "label": "Row", "fields": [field]})
    for place in (1, 2, 3):
        await bear.app.records.create(SYSTEM, "rows", {"place": place})
    for sort in ("place", "-place"):
        for offset in (0, 2**63 - 1):
            pairs = [("sort", sort), ("limit", "500" if offset else "1"), ("offset", str(offset))]
            page = await bear.app.records.list_page(SYSTEM, "rows", pairs)
            assert (len(orjson.loads(page.rows)), page.count) == (0 if offset else 1, 3)
