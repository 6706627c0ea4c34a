"""Lists of one's own rows in the order of another index: walked where that is quick, sorted where it is not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from server.access.actor import SYSTEM, Actor
from server.db.store import Store
from tests.conftest import Bear

pytestmark = pytest.mark.anyio


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each walk, whether it came to its end."""
    found: list[bool] = []
    read = Store.read_inline

    def watched(self: Store, queries: Any) -> Any:
        answers = read(self, queries)
        if '+"notes"."owner_id"' in queries[0][0]:
            found.append(answers is not None)
        return answers

    monkeypatch.setattr(Store, "read_inline", watched)
    return found


async def _person(bear: Bear, name: str) -> Actor:
    await bear.person(name)
    return Actor(kind="user", user_id=bear.ids[name], username=name, role="member")


async def _pages(bear: Bear, who: Actor, *pairs: tuple[str, str]) -> list[list[str]]:
    """The titles of a list, page after page; its total is known before the second."""
    found, cursor = [], None
    while True:
        more = [*pairs, ("limit", "7"), *([("cursor", cursor)] if cursor else [])]
        page = await bear.app.records.list_page(who, "notes", more)
        found.append([row["title"] for row in orjson.loads(page.rows)])
        cursor = page.next
        if cursor is None:
            return found


async def _note(bear: Bear, who: Actor, title: str, due: str | None) -> None:
    await bear.app.records.create(who, "notes", {"title": title, "due_at": due, "priority": 1})


async def test_somebody_with_many_rows_gets_them_in_order_by_walking(bear: Bear, walked: list[bool]) -> None:
    await bear.person("ada", "admin")
    max_, olga = await _person(bear, "max"), await _person(bear, "olga")
    for number in range(40):
        due = f"2026-02-{1 + number * 7 % 28:02}T00:00:00.000Z" if number % 5 else None
        await _note(bear, (max_, olga)[number % 3 == 0], f"{due} {number:02}", due)
    for way in ("due_at", "-due_at"):
        for narrowed in ((), (("due_at__gte", "2026-02-05T00:00:00Z"),)):
            walked.clear()
            found = [title for page in await _pages(bear, max_, *narrowed, ("sort", way)) for title in page]
            rows = await bear.app.records.find(SYSTEM, "notes", where={"owner_id": max_.user_id})
            wanted = [(r["due_at"] or "", r["id"], r["title"]) for r in rows]
            wanted = [row for row in wanted if not narrowed or row[0] >= "2026-02-05"]
            assert found == [row[2] for row in sorted(wanted, reverse=way == "-due_at")]
            assert walked and all(walked), (way, narrowed)


async def test_somebody_whose_rows_are_far_between_gets_them_by_sorting(
    bear: Bear, walked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    await bear.person("ada", "admin")
    max_, olga = await _person(bear, "max"), await _person(bear, "olga")
    await _note(bear, max_, "first", "2030-01-01T00:00:00Z")
    await _note(bear, max_, "second", "2030-01-02T00:00:00Z")
    for batch in range(4):
        operations = [{"title": "x", "due_at": f"2026-01-{1 + batch:02}T00:00:00.000Z"}] * 250
        for values in operations:
            await bear.app.records.create(olga, "notes", values)
    monkeypatch.setattr("server.db.store.BUDGET_STEPS", 1)
    for _ in range(3):
        page = await bear.app.records.list_page(max_, "notes", [("sort", "due_at"), ("total", "false")])
        assert [row["title"] for row in orjson.loads(page.rows)] == ["first", "second"]
        bear.app.records._pages._known.clear()
    assert walked == [False], "tried once, and not again until the notes change"
