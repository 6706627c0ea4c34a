"""What goes in comes out: created, read, listed, found, exported and imported again it is the same."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.records.tests_world_support import World, profile, running_world

FAST, SLOW, SOAK = 12, 150, 20_000

FIELDS: list[dict[str, Any]] = [
    {"name": "word", "type": "text", "searchable": True},
    {"name": "long", "type": "long_text", "searchable": True},
    {"name": "whole", "type": "integer", "indexed": True},
    {"name": "number", "type": "number"},
    {"name": "truth", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "moment", "type": "datetime"},
    {"name": "pick", "type": "choice", "choices": ["a", 'b"', "c,'", "d;\n", "🐻"]},
    {"name": "data", "type": "json"},
    {"name": "labels", "type": "tags"},
    {"name": "raw", "type": "bytes"},
    {"name": "mail", "type": "email"},
    {"name": "link", "type": "url"},
]
NAMES = [field["name"] for field in FIELDS]
KEPT = ("id", "owner_id", "created_at", "updated_at")

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.lists(st.sampled_from(['"', '""', ",", ";", "\t", "|", "\r", "\n", "\r\n", " ", "a", "'", "\ufeff", "\u2028",
                              "\x85", "\x1c", "e\u0301", "👩‍👩‍👧", "\U0010ffff", "=1+1", "null", "true", "\\",
                              "\\u0000"]),
             max_size=8).map("".join),
)  # fmt: skip
INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([-(2**63), 2**63 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 0, -1, 10**18]),
)
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2, 1e22, 1e23]
    ),
)
JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.one_of(st.just(UTC), ZONES))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "word": TEXTS,
    "long": st.one_of(TEXTS, st.integers(1, 30_000).map(lambda n: "long 🐻 text\n" * (n // 12))),
    "whole": INTEGERS,
    "number": NUMBERS,
    "truth": st.booleans(),
    "day": st.dates().map(date.isoformat),
    "moment": MOMENTS.map(datetime.isoformat),
    "pick": st.sampled_from(["a", 'b"', "c,'", "d;\n", "🐻"]),
    "data": JSONS,
    "labels": st.lists(TEXTS, max_size=4),
    "raw": st.binary(max_size=60).map(lambda it: base64.b64encode(it).decode()),
    "mail": st.sampled_from(["a@b.example", "ü+1@straße.example"]),
    "link": st.sampled_from(["https://example.org/?a=1,2&b=%22", "http://[::1]:80/ä"]),
}
ROWS = st.lists(
    st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), VALUES[name]) for name in NAMES}),
    min_size=1, max_size=4,
)  # fmt: skip


def expected(values: dict[str, Any]) -> dict[str, Any]:
    """The row that these values make."""
    row = {name: values.get(name) for name in NAMES}
    if row["moment"] is not None:
        moment = datetime.fromisoformat(row["moment"]).astimezone(UTC)
        row["moment"] = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + f".{moment.microsecond // 1000:03}Z"
    return row


def same(found: Any, wanted: Any) -> bool:
    """Equal, with the same types: 1, 1.0 and true are three values."""
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict) and found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, float):
        return isinstance(found, float) and found == wanted
    return type(found) is type(wanted) and bool(found == wanted)


def check(found: dict[str, Any], wanted: dict[str, Any], what: str) -> None:
    for name in NAMES:
        # A whole number in a field of numbers is written as 1.0, so that its type is told.
        assert same(found[name], wanted[name]), (what, name, found[name], wanted[name])


def question(name: str, value: Any) -> tuple[str, str] | None:
    """The filter that finds a value, if there is one that a query string can carry."""
    if name in ("data", "labels"):
        return None
    if value is None:
        return f"{name}__is_null", "true"
    if isinstance(value, bool):
        return name, str(value).lower()
    return name, repr(value) if isinstance(value, float) else str(value)


class Things:
    def __init__(self, world: World) -> None:
        self.world = world
        self.admin = world.people["ada"]
        self.max = world.person("max")
        for name in ("things", "copies"):
            world.good(self.admin, "POST", "models", json={"name": name, "label": name, "fields": FIELDS})

    def go_round(self, rows: list[dict[str, Any]]) -> None:
        good = self.world.good
        for name in ("things", "copies"):
            good(self.admin, "DELETE", f"{name}/bulk?all=true")
        wanted = []
        for values in rows:
            made = good(self.max, "POST", "things", json=values)["data"]
            check(made, expected(values), "create")
            assert good(self.max, "GET", f"things/{made['id']}")["data"] == made
            assert (
                good(self.max, "PUT", f"things/{made['id']}", json={k: made[k] for k in NAMES})["data"]
                | {"updated_at": made["updated_at"]}
                == made
            )
            for name in NAMES:
                asked = question(name, made[name])
                if asked is not None:
                    params = [asked, ("id", str(made["id"]))]
                    assert good(self.max, "GET", "things", params=params)["count"] == 1, asked
                    if made[name] is not None and name != "raw" and len(str(made[name])) < 1000:
                        params = [("domain", json.dumps([[name, "in", [made[name]]]])), ("id", str(made["id"]))]
                        assert good(self.max, "GET", "things", params=params)["count"] == 1, params
            wanted.append(made)
        listed = good(self.max, "GET", "things", params={"sort": "id"})["data"]
        assert [{**it, "updated_at": ""} for it in listed] == [{**it, "updated_at": ""} for it in wanted]
        for form in ("csv", "json", "jsonl"):
            self.out_and_in(form, listed)
        for row in wanted:
            good(self.max, "DELETE", f"things/{row['id']}")
            back = good(self.max, "POST", f"things/{row['id']}/restore")["data"]
            assert {**back, "updated_at": ""} == {**row, "updated_at": ""}
        good(self.max, "DELETE", "things/bulk?all=true")

    def out_and_in(self, form: str, listed: list[dict[str, Any]]) -> None:
        good = self.world.good
        file = self.world.ask(self.max, "GET", f"things/export?format={form}").content
        good(self.max, "POST", f"copies/import?format={form}", content=file)
        copies = good(self.max, "GET", "copies?sort=id")["data"]
        assert len(copies) == len(listed)
        for copy, row in zip(copies, listed, strict=True):
            check(copy, row, f"{form}: fresh")
        good(self.max, "DELETE", "copies/bulk?all=true")
        good(self.admin, "POST", f"copies/import?format={form}&keep_ids=true", content=file)
        assert good(self.max, "GET", "copies?sort=id")["data"] == listed, form
        again = self.world.ask(self.max, "GET", f"copies/export?format={form}").content
        assert again == file
        good(self.max, "DELETE", "copies/bulk?all=true")


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Things]:
    with running_world(tmp_path_factory.mktemp("round") / "data") as world:
        yield Things(world)


def round_trips(things: Things, examples: int) -> None:
    @profile(examples)
    @given(ROWS)
    @example([{"number": -0.0, "data": [-0.0, {"": 1.0}], "word": "", "long": '"', "labels": [""]}])
    @example([{"word": '""'}, {"word": ""}, {}, {"word": ' "" '}, {"word": ',"",'}])
    @example([{"data": {"a": {"$ref": "0.id"}}, "labels": []}, {"data": "null"}, {"data": ""}])
    def trip(rows: list[dict[str, Any]]) -> None:
        things.go_round(rows)

    trip()


def test_every_value_comes_back_as_it_went_in(things: Things) -> None:
    round_trips(things, FAST)


@pytest.mark.slow
def test_very_many_values_come_back_as_they_went_in(things: Things) -> None:
    round_trips(things, SLOW)


@pytest.mark.soak
def test_twenty_thousand_rows_come_back_as_they_went_in(things: Things) -> None:
    round_trips(things, SOAK)


def test_a_very_long_text_comes_back_whole(things: Things) -> None:
    text = "".join(map(chr, range(0x1F300, 0x1F400))) * 800
    row = things.world.good(things.max, "POST", "things", json={"long": text})["data"]
    assert row["long"] == text
    things.out_and_in("csv", [things.world.good(things.max, "GET", f"things/{row['id']}")["data"]])
    assert things.world.good(things.max, "GET", "things", params={"long__like": text[:200] + "%"})["count"] == 1
    things.world.good(things.max, "DELETE", "things/bulk?all=true")


def test_a_negative_zero_is_a_zero_from_the_first_answer_on(things: Things) -> None:
    made = things.world.ask(things.max, "POST", "things", content=b'{"number": -0.0}')
    row = made.json()["data"]
    assert math.copysign(1, row["number"]) == 1
    read = things.world.ask(things.max, "GET", f"things/{row['id']}")
    assert read.headers["etag"] == made.headers["etag"]
    things.world.good(things.max, "DELETE", "things/bulk?all=true")
