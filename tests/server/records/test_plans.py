"""SQLite's plans of the lists that everybody asks for: they seek in an index and sort nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.records.tests_world_support import World, running_world

DAY = "2026-01-02T03:04:05Z"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("plans") / "data") as running:
        member = running.person("max")
        for number in range(24):
            values = {"title": f"bear {number}", "priority": number % 4 if number % 6 else None}
            running.good(member, "POST", "notes", json=values)
        yield running


def plans(world: World, who: str, query: str) -> list[tuple[tuple[str, ...], bool]]:
    """The plan of a first page and of the page after it, each with whether it is cheap enough for the event loop."""
    shapes = world.bear.app.records.shelf.models["notes"]._shapes
    found = []
    cursor = ""
    for _ in range(2):
        page = world.good(world.people[who], "GET", f"notes?limit=5&{query}{cursor}")
        last = next(reversed(shapes.values()))
        found.append((last.plan, last.cheap))
        if "next" not in page:
            break
        cursor = f"&cursor={page['next']}"
    return found


SEEKING = [
    # By id, all rows: a walk by rowid, which the cursor enters where it stands.
    ("ada", "", ["SCAN notes"], ["SEARCH notes USING INTEGER PRIMARY KEY (rowid>?)"]),
    ("ada", "sort=-id", ["SCAN notes"], ["SEARCH notes USING INTEGER PRIMARY KEY (rowid<?)"]),
    # One's own: the index of the owner alone has the rows by id.
    ("max", "", ["SEARCH notes USING INDEX ix_notes_owner_id (owner_id=?)"],
     ["SEARCH notes USING INDEX ix_notes_owner_id (owner_id=? AND rowid>?)"]),
    ("max", "sort=-id", ["SEARCH notes USING INDEX ix_notes_owner_id (owner_id=?)"],
     ["SEARCH notes USING INDEX ix_notes_owner_id (owner_id=? AND rowid<?)"]),
    # Filters on an indexed field, own or all.
    ("ada", "priority=3", ["SEARCH notes USING INDEX ix_notes_priority (priority=?)"], None),
    ("max", "priority=3", ["SEARCH notes USING INDEX ix_notes_priority (priority=?)"], None),
    ("max", "priority=3&sort=-id", ["SEARCH notes USING INDEX ix_notes_priority (priority=?)"], None),
    ("ada", f"due_at__gt={DAY}&sort=due_at", ["SEARCH notes USING INDEX ix_notes_due_at (due_at>?)"], None),
    # Sorted by an indexed field: the cursor is entered where it stands, also among many equal values and none.
    ("ada", "sort=priority&priority__gte=0", ["SEARCH notes USING INDEX ix_notes_priority (priority>?)"],
     ["SEARCH notes USING INDEX ix_notes_priority (priority=? AND rowid>?)",
      "SEARCH notes USING INDEX ix_notes_priority (priority>? AND priority<?)"]),
    ("ada", "sort=priority", ["SCAN notes USING INDEX ix_notes_priority"],
     ["SEARCH notes USING INDEX ix_notes_priority (priority=? AND rowid>?)",
      "SEARCH notes USING INDEX ix_notes_priority (priority>?)"]),
    ("ada", "sort=-priority", ["SCAN notes USING INDEX ix_notes_priority"],
     ["SEARCH notes USING INDEX ix_notes_priority (priority=? AND rowid<?)",
      "SEARCH notes USING INDEX ix_notes_priority (priority<?)",
      "SEARCH notes USING INDEX ix_notes_priority (priority=?)"]),
]  # fmt: skip


def rows_only(plan: tuple[str, ...]) -> list[str]:
    return [step for step in plan if step.startswith(("SCAN notes", "SEARCH notes"))]


@pytest.mark.parametrize(("who", "query", "first", "after"), SEEKING)
def test_a_common_list_seeks_and_sorts_nothing(
    world: World, who: str, query: str, first: list[str], after: list[str] | None
) -> None:
    found = plans(world, who, query)
    for plan, cheap in found:
        assert not any("TEMP B-TREE" in step for step in plan), plan
        assert cheap, plan
    assert rows_only(found[0][0]) == first
    if after is not None:
        steps = rows_only(found[1][0])
        # Bounds that the filter gives as well may be used or not.
        assert len(steps) == len(after) and all(step.startswith("SEARCH notes USING") for step in steps), steps
        if "priority__gte" not in query:
            assert steps == after


@pytest.mark.parametrize("who", ["ada", "max"])
@pytest.mark.parametrize("query", ["q=bear", "q=bear&sort=-id", "q=bear&priority=3"])
def test_full_text_is_asked_once_and_its_hits_looked_up(world: World, who: str, query: str) -> None:
    [plan, cheap], *_ = plans(world, who, query)
    assert plan[0].startswith("SCAN notes__search VIRTUAL TABLE") and "=" not in plan[0].rpartition("INDEX")[2]
    assert plan[1] == "SEARCH notes USING INTEGER PRIMARY KEY (rowid=?)"
    assert not cheap


def test_an_expanded_record_is_looked_up_by_its_id(world: World) -> None:
    [plan, cheap], *_ = plans(world, "ada", "expand=owner_id")
    assert plan[-1] == "SEARCH expanded_0 USING INTEGER PRIMARY KEY (rowid=?)" and cheap


@pytest.mark.parametrize("query", ["sort=title", "title__ilike=x", "title__like=x", "done=true", "sort=title:nocase"])
def test_what_walks_all_rows_or_sorts_them_is_kept_off_the_event_loop(world: World, query: str) -> None:
    for _, cheap in plans(world, "ada", query):
        assert not cheap


@pytest.mark.parametrize("sql", ["read", "stored_row", "referring"])
def test_single_rows_are_found_by_an_index(world: World, sql: str) -> None:
    shelf = world.bear.app.records.shelf
    notes = shelf.models["notes"]
    text = {
        "read": notes.read(("id", "title"), "owner_id"),
        "stored_row": notes.stored_row,
        "referring": notes.referring("owner_id"),
    }[sql]
    plan = shelf.store.plan(text, {"id": 1, "actor_id": 1})
    assert len(plan) == 1 and plan[0].startswith("SEARCH notes USING"), plan
