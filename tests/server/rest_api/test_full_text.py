"""Full text at every door: what people type is words, never a query language."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.records.list_oracle import found_by, tokens
from tests.server.records.tests_world_support import profile, running_world

pytestmark = pytest.mark.anyio
URL = "/api/v1/notes"

TITLES = [
    "A bear in the den", "Bears and honey", "honey for the bear", "Die Bärenhöhle", "ΟΔΥΣΣΕΥΣ", "naïve cafe\u0301",
    "NEAR the title: OR not AND", 'a 5" disk', "foo-bar_baz", "C++ and C#", "x^2 * y", "東京 タワー",
    "O'Brien (senior)",
]  # fmt: skip


async def fill(client: httpx2.AsyncClient) -> None:
    operations = [{"verb": "create", "model": "notes", "values": {"title": title}} for title in TITLES]
    assert (await client.post("/api/v1/batch", json={"operations": operations})).status_code == 200


async def hits(client: httpx2.AsyncClient, q: str) -> list[str]:
    """The titles found, the same at every door."""
    listed = await client.get(URL, params={"q": q, "fields": "title"})
    assert listed.status_code == 200, listed.text
    found = [row["title"] for row in listed.json()["data"]]
    counted = await client.get(f"{URL}/aggregate", params={"q": q})
    assert counted.json()["data"] == [{"count": len(found)}] and listed.json()["count"] == len(found)
    exported = await client.get(f"{URL}/export", params={"q": q, "fields": "title"})
    rows = list(csv.reader(io.StringIO(exported.content.decode())))[1:]
    assert sorted(row[0] for row in rows) == sorted(found)
    bulk = await client.delete(f"{URL}/bulk", params={"q": q, "dry_run": "true"})
    assert bulk.json()["data"]["count"] == len(found)
    return found


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("bear", {0, 1, 2}), ("bear*", {0, 1, 2}), ('"bear"', {0, 2}), ("BEA", {0, 1, 2}), ("hon bear", {1, 2}),
        ('"the bear"', {2}), ('"bear the"', set()), ("baren", {3}), ("bärenhohle", {3}), ("BÄRENHÖHLE", {3}),
        ("οδυσσευσ", {4}), ("naive", {5}), ("café", {5}), ("cafe\u0301", {5}), ("near", {6}), ("NEAR(the title)", {6}),
        ("title:", {6}), ("title:bear", set()), ("AND OR NOT", {6}), ("bear OR honey", set()), ("NOT bear", set()),
        ('5"', {7}), ('"5', {7}), ('5"disk', {7}), ("foo", {8}), ("foo-bar", {8}), ("foo_bar_b", {8}), ("baz", {8}),
        ("c++", {9, 5}), ("x^2", {10}), ("^x", {10}), ("* y", {10}), ("東京", {11}), ("東", {11}), ("o'brien", {12}),
        ("(senior)", {12}), ("-bear", {0, 1, 2}), ("+bear", {0, 1, 2}), ("{title}: bear", set()), ("bear)", {0, 1, 2}),
        ("rank", set()), ("notes__search", set()),
    ],
)  # fmt: skip
async def test_words_are_found_as_they_are_written(member: httpx2.AsyncClient, q: str, expected: set[int]) -> None:
    await fill(member)
    assert set(await hits(member, q)) == {TITLES[number] for number in expected}


@pytest.mark.parametrize("q", ['"', '""', "*", "^", "()", "- + *", '" "', "💥", ":", "{}", "\u0301", "'"])
async def test_what_has_no_word_in_it_is_refused(member: httpx2.AsyncClient, q: str) -> None:
    for address in (URL, f"{URL}/aggregate", f"{URL}/export", f"{URL}/bulk"):
        answer = await member.request("DELETE" if address.endswith("bulk") else "GET", address, params={"q": q})
        assert answer.status_code == 422, (address, answer.text)
        assert answer.json()["fields"]["q"]["code"] == "nothing_to_find"


@pytest.mark.parametrize("who", ["admin", "member"])
async def test_the_best_hit_comes_first(who: str, admin: httpx2.AsyncClient, member: httpx2.AsyncClient) -> None:
    client = {"admin": admin, "member": member}[who]
    for title, body in (
        ("other", "much text that has a bear somewhere " + "and nothing more to say " * 40), ("bear", "bear, bear!"),
        ("nothing", "of it"), ("a bear", "and honey"),
    ):  # fmt: skip
        assert (await client.post(URL, json={"title": title, "body": body})).status_code == 201
    for number in range(12):
        await client.post(URL, json={"title": f"filler {number}"})
    assert await hits(client, "bear") == ["bear", "a bear", "other"]


def test_any_text_is_a_search_and_no_syntax(tmp_path: Any) -> None:
    """Whatever is typed: found as the oracle says, or refused because there is no word in it."""
    letters = st.text(alphabet="abAé 5\"*:^()-+'{}.,;_\\/NOTnearOR\n", max_size=14)
    with running_world(tmp_path / "data") as world:
        member = world.person("max")
        titles = ["a b", "ab near", "É a5", "not or", "b", "5 a", "near or not", 'a"b', "b-a_a", "e"]
        for title in titles:
            world.good(member, "POST", "notes", json={"title": title})
        rows = [{"title": title} for title in titles]

        @profile(80)
        @given(letters)
        def search(q: str) -> None:
            answer = world.ask(member, "GET", "notes", params={"q": q, "sort": "id"})
            if not q.strip():
                assert answer.status_code == 200
            elif not tokens(q):
                assert answer.status_code == 422, q
            else:
                found = [row["title"] for row in answer.json()["data"]]
                assert found == [row["title"] for row in rows if found_by(row, ["title"], q)], q

        search()
