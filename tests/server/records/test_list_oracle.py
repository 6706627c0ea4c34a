"""Lists against the oracle: any filter, domain, order and page, as anybody, gives the same rows in the same order."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.records.list_oracle import Row, Test, compared, domain_test, found_by, ordered
from tests.server.records.tests_world_support import World, profile, running_world

FAST, SLOW, SOAK = 60, 600, 100_000

POOLS: dict[str, list[Any]] = {
    "name": ["a", "A", "ä", "Ä", "ß", "SS", "ss", "a%b", "a_b", "aXb", "🐻", "e\u0301", "é", "z z", "\U0010ffff",
             "\ue000", " a", "10", "9", "x" * 300, "a\nb", "'", '"', "a,b", "İ", "ı"],
    "note": ["", "a bear in the den", "Bärenhöhle und Honig", "honey-bee_hive", "a", "A", "den of a BEAR", "ﬁsh 東京"],
    "n": [-(2**63), 2**63 - 1, -1, 0, 1, 2, 2**53, 2**53 + 1, -(2**53) - 1],
    "x": [0.0, 0.1, 0.1 + 0.2, 0.3, 1e308, -1e308, 5e-324, -2.5, 2.0**53, 1e22, 123456789.12345679, 1.0],
    "flag": [True, False],
    "day": ["0001-01-01", "2026-01-02", "2026-01-03", "9999-12-31"],
    "at": ["0001-01-01T00:00:00.000Z", "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.679Z",
           "9999-12-31T23:59:59.999Z"],
    "kind": ["red", "Green", "blue it's"],
}  # fmt: skip
TEXTS = ("name", "note", "day", "at", "kind")
FIELDS: list[dict[str, Any]] = [
    {"name": "name", "type": "text", "required": True, "searchable": True},
    {"name": "note", "type": "long_text", "searchable": True},
    {"name": "n", "type": "integer", "indexed": True},
    {"name": "x", "type": "number"},
    {"name": "flag", "type": "boolean"},
    {"name": "day", "type": "date", "indexed": True},
    {"name": "at", "type": "datetime"},
    {"name": "kind", "type": "choice", "choices": POOLS["kind"]},
    {"name": "data", "type": "json"},
    {"name": "parent", "type": "relation", "references": "things", "on_delete": "set_null"},
]
SORTABLE = ("id", *POOLS, "parent", "owner_id")


def random_values(dice: random.Random) -> Row:
    values = {name: None if dice.random() < 0.25 else dice.choice(pool) for name, pool in POOLS.items()}
    return {**values, "name": dice.choice(POOLS["name"]), "data": dice.choice([None, {"a": [1, None]}, "text", 0])}


class Things:
    """The rows, as their owner sees them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = random.Random(7)
        self.rows: list[Row] = []
        self.people = {"ada": None, "max": 0, "olga": 0}
        for name in ("max", "olga"):
            world.person(name)
            self.people[name] = world.bear.ids[name]
        world.good(world.people["ada"], "POST", "models", json={"name": "things", "label": "Thing", "fields": FIELDS})
        for name in ("max", "olga"):
            self.add(name, 40)

    def add(self, name: str, count: int) -> None:
        operations = list[dict[str, Any]]()
        for _ in range(count):
            values = random_values(self.dice)
            mine = [row["id"] for row in self.rows if row["owner_id"] == self.people[name]]
            if mine and self.dice.random() < 0.5:
                values["parent"] = self.dice.choice(mine)
            operations.append({"verb": "create", "model": "things", "values": values})
        made = self.world.good(self.world.people[name], "POST", "batch", json={"operations": operations})["data"]
        for operation, result in zip(operations, made, strict=True):
            values = operation["values"]
            assert {**result["data"], **values} == result["data"]
            self.rows.append(result["data"])

    def visible(self, name: str) -> list[Row]:
        return [row for row in self.rows if self.people[name] in (None, row["owner_id"])]


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Things]:
    with running_world(tmp_path_factory.mktemp("lists") / "data") as world:
        yield Things(world)


def operators_of(name: str) -> list[str]:
    texts = ["like", "ilike"] if name in TEXTS else []
    return ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "is_null", *texts]


@st.composite
def comparison(draw: st.DrawFn) -> tuple[str, str, Any]:
    name = draw(st.sampled_from([*POOLS, "id", "parent", "data"]))
    operator = draw(st.sampled_from(["is_null"] if name == "data" else operators_of(name)))
    if operator == "is_null":
        return name, operator, draw(st.booleans())
    if operator in ("like", "ilike"):
        parts = st.sampled_from(
            ["%", "_", "a", "A", "ß", "ä", "b", "%b", "2026", "\n", "🐻", "SS", "ss", "é", "\\", "\\%"]
        )
        return name, operator, "".join(draw(st.lists(parts, max_size=4)))
    pool = st.integers(1, 90) if name in ("id", "parent") else st.sampled_from(POOLS[name])
    if operator in ("in", "not_in"):
        return name, operator, draw(st.lists(pool, max_size=4))
    return name, operator, draw(pool)


def as_parameter(name: str, operator: str, wanted: Any) -> tuple[str, str]:
    def text(value: Any) -> str:
        return (
            str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)
        )

    key = name if operator == "eq" else f"{name}__{operator}"
    return key, ",".join(map(text, wanted)) if isinstance(wanted, list) else text(wanted)


def fits_a_parameter(one: tuple[str, str, Any]) -> bool:
    # Commas part the values of a list, and an empty list of texts is one empty text.
    return not isinstance(one[2], list) or not any(it == "" or "," in str(it) for it in one[2])


def as_leaf(one: tuple[str, str, Any]) -> list[Any]:
    name, operator, wanted = one
    if operator == "is_null":
        return [name, "=" if wanted else "!=", None]
    words = {"eq": "=", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "not_in": "not in"}
    return [name, words.get(operator, operator), wanted]


def _nested(inner: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[list[Any]]:
    def connected(parts: tuple[str, list[Any], list[Any]]) -> list[Any]:
        connector, first, second = parts
        return ["!", first] if connector == "!" else [connector, first, second]

    chain = st.tuples(st.sampled_from(["&&", "||", "!|", "|!", "&!"]), inner, inner, inner).map(
        lambda it: [*it[0], *it[1:]]
    )
    return st.one_of(st.tuples(st.sampled_from("&|!"), inner, inner).map(connected), st.lists(inner, max_size=3), chain)


DOMAINS = st.recursive(comparison().map(as_leaf), _nested, max_leaves=6)


@st.composite
def orders(draw: st.DrawFn) -> list[str]:
    keys = []
    for name in draw(st.lists(st.sampled_from(SORTABLE), max_size=3, unique=True)):
        nocase = ":nocase" if name in TEXTS and draw(st.booleans()) else ""
        keys.append(f"{'-' if draw(st.booleans()) else ''}{name}{nocase}")
    return keys


def _fits(comparison: tuple[str, str, Any], row: Row) -> bool:
    field, operator, value = comparison
    return compared(row[field], operator, value)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[tuple[str, str]], Test]:
    """Parameters of a list, and what they mean for one row."""
    parameters: list[tuple[str, str]] = []
    tests: list[Test] = []
    for one in draw(st.lists(comparison().filter(fits_a_parameter), max_size=2)):
        parameters.append(as_parameter(*one))
        tests.append(partial(_fits, one))
    if draw(st.booleans()):
        domain = draw(DOMAINS)
        parameters.append(("domain", json.dumps(domain)))
        tests.append(domain_test(domain))
    if draw(st.integers(0, 4)) == 0:
        words = st.sampled_from(["bear", "BEAR den", "bar", "höhle", '"a bear"', "honey-b", "f", "東", '"den" of', "a"])
        q = draw(words)
        parameters.append(("q", q))
        tests.append(lambda row: found_by(row, ["name", "note"], q))
    return parameters, lambda row: all(test(row) for test in tests)


def one_page(things: Things, name: str, question: Any, sort: list[str], limit: int, offset: int, counted: bool) -> None:
    parameters, test = question
    expected = ordered([row for row in things.visible(name) if test(row)], sort)
    by_rank = not sort and any(key == "q" for key, _ in parameters)
    asked = [*parameters, ("limit", str(limit)), ("offset", str(offset))]
    asked += [] if not sort else [("sort", ",".join(sort))]
    asked += [] if counted else [("total", "false")]
    answer = things.world.good(things.world.people[name], "GET", "things", params=asked)
    window = expected[offset : offset + limit]
    if by_rank:
        assert len(answer["data"]) == len(window) and all(row in expected for row in answer["data"]), asked
    else:
        assert answer["data"] == window, asked
        assert ("next" in answer) is (len(expected) > offset + limit)
    assert answer.get("count") == (len(expected) if counted else None)


def some_offsets(things: Things, name: str, question: Any, sort: list[str], limit: int) -> None:
    """Pages by offset, one after the other and with jumps: known places of other pages don't mislead."""
    for offset in (0, limit, 2 * limit, 2 * limit + 3, 1, 5 * limit, limit + 1):
        one_page(things, name, question, sort, limit, offset, counted=False)


def every_page(things: Things, name: str, question: Any, sort: list[str], limit: int, *, growing: bool) -> None:
    """All pages by cursor: each row once, in order; rows that come meanwhile disturb nothing."""
    parameters, test = question
    client = things.world.people[name]
    asked = [*parameters, ("limit", str(limit)), ("sort", ",".join(sort) or "id")]
    old = ordered([row for row in things.visible(name) if test(row)], sort)
    seen: list[Row] = []
    cursor: list[tuple[str, str]] = []
    while True:
        answer = things.world.good(client, "GET", "things", params=[*asked, *cursor])
        seen += answer["data"]
        if "next" not in answer:
            break
        assert len(answer["data"]) == limit
        cursor = [("cursor", answer["next"])]
        if growing:
            things.add("max", 1)
    now = ordered([row for row in things.visible(name) if test(row)], sort)
    ids = [row["id"] for row in seen]
    assert len(set(ids)) == len(ids)
    known = {row["id"] for row in old}
    assert [row for row in seen if row["id"] in known] == old
    assert [row for row in now if row["id"] in set(ids)] == seen


PEOPLE = st.sampled_from(["ada", "max", "olga"])
PAGES = {"name": PEOPLE, "question": questions(), "sort": orders(), "limit": st.integers(1, 30)}


def pages(examples: int, things: Things) -> None:
    @profile(examples)
    @given(**PAGES, offset=st.one_of(st.just(0), st.integers(0, 90)), counted=st.booleans())
    def page(**how: Any) -> None:
        one_page(things, **how)

    @profile(examples // 3)
    @given(**PAGES)
    def walk(**how: Any) -> None:
        every_page(things, **how, growing=False)

    @profile(examples // 3)
    @given(**PAGES)
    def jump(**how: Any) -> None:
        some_offsets(things, **how)

    page()
    walk()
    jump()


def test_a_page_has_the_rows_that_the_oracle_names(things: Things) -> None:
    pages(FAST, things)


@pytest.mark.slow
def test_many_pages_have_the_rows_that_the_oracle_names(things: Things) -> None:
    pages(SLOW, things)


@pytest.mark.soak
def test_a_hundred_thousand_pages_have_the_rows_that_the_oracle_names(things: Things) -> None:
    pages(SOAK, things)


def test_rows_that_come_between_two_pages_are_never_seen_twice(tmp_path: Any) -> None:
    with running_world(tmp_path / "data") as world:
        things = Things(world)

        @profile(15)
        @given(**PAGES)
        def walk(**how: Any) -> None:
            every_page(things, **{**how, "limit": max(8, how["limit"])}, growing=True)

        walk()


@profile(40)
@given(question=questions(), wanted=st.lists(st.sampled_from([*SORTABLE, "data"]), min_size=1, unique=True))
def test_fields_and_exports_have_the_same_rows(things: Things, question: Any, wanted: list[str]) -> None:
    parameters, test = question
    client = things.world.people["max"]
    expected = ordered([row for row in things.visible("max") if test(row)], [])
    names = [name for name in ("id", *(it["name"] for it in FIELDS), "owner_id") if name in wanted]
    shown = [{name: row[name] for name in names} for row in expected]
    asked = [*parameters, ("fields", ",".join(wanted))]
    listed = things.world.good(client, "GET", "things", params=[*asked, ("limit", "500"), ("sort", "id")])
    assert listed["data"] == shown
    answer = things.world.ask(client, "GET", "things/export", params=[*asked, ("format", "jsonl")])
    assert [json.loads(line) for line in answer.content.splitlines()] == shown
    counted = things.world.good(client, "GET", "things/aggregate", params=parameters)
    assert counted["data"] == [{"count": len(expected)}]


@pytest.mark.parametrize("sort", [["n"], ["-n"], ["day", "-n"], ["-day"]])
def test_pages_by_offset_are_right_beside_pages_that_were_seen(things: Things, sort: list[str]) -> None:
    for name in ("ada", "max"):
        for limit in (3, 7):
            some_offsets(things, name, ([], lambda _: True), sort, limit)
