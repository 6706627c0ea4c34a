"""What a person may not see is told by no side door: each of these was one, or is next to one that was."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from server.access.actor import Actor
from server.errors import ValidationFailed
from tests.conftest import Bear

pytestmark = pytest.mark.anyio

CARDS = {
    "name": "cards", "label": "Card", "label_plural": "Cards", "fields": [
        {"name": "title", "type": "text", "required": True, "searchable": True, "default": "untitled"},
        {"name": "zpin", "type": "text", "searchable": True},
        {"name": "zcode", "type": "text", "unique": "global"},
        {"name": "score", "type": "integer"}]}  # fmt: skip
URL = "/api/v1/cards"


async def rule(admin: httpx2.AsyncClient, verb: str, extent: str, *hidden: str, model: str = "cards") -> None:
    values = {"role": "member", "model": model, "verb": verb, "extent": extent, "hidden_fields": list(hidden)}
    answer = await admin.post("/api/v1/access_rules", json=values)
    assert answer.status_code == 201, answer.text


async def card(client: httpx2.AsyncClient, **values: Any) -> int:
    answer = await client.post(URL, json=values)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["data"]["id"])


@pytest.fixture
async def cards(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post("/api/v1/models", json=CARDS)
    assert answer.status_code == 201, answer.text


async def test_who_may_change_a_record_but_not_read_it_gets_its_id_alone(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await rule(admin, "update", "all")
    hers = await card(other, title="hers", zpin="1234", zcode="c")
    mine = await card(member, title="mine", zpin="5678")
    assert (await member.patch(f"{URL}/{hers}", json={"score": 1})).json()["data"] == {"id": hers}
    assert (await member.put(f"{URL}/{mine}", json={"title": "still"})).json()["data"]["title"] == "still"
    body = {"operations": [{"verb": "update", "model": "cards", "id": hers, "values": {"score": 2}}]}
    assert (await member.post("/api/v1/batch", json=body)).json()["data"][0]["data"] == {"id": hers}
    body["operations"].append({"verb": "update", "model": "cards", "id": mine, "values": {"title": {"$ref": "0.zpin"}}})
    told = await member.post("/api/v1/batch", json=body)
    assert told.status_code == 422 and "1234" not in told.text
    upserted = await member.post(f"{URL}?upsert=zcode", json={"title": "hers", "zcode": "c"})
    assert upserted.json()["data"] == {"id": hers}


async def test_an_entity_tag_guessed_for_an_unreadable_record_tells_nothing(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await rule(admin, "update", "all")
    hers = await card(other, title="hers", zpin="1234")
    true_tag = (await other.get(f"{URL}/{hers}")).headers["etag"]
    guessed = await member.patch(f"{URL}/{hers}", json={"score": 1}, headers={"if-match": true_tag})
    assert guessed.status_code == 412
    own_tag = (await member.patch(f"{URL}/{hers}", json={"score": 1})).headers["etag"]
    again = await member.patch(f"{URL}/{hers}", json={"score": 2}, headers={"if-match": own_tag})
    assert again.status_code == 200


async def test_only_a_record_that_one_may_read_is_brought_back(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await rule(admin, "create", "all")
    await rule(admin, "update", "all")
    hers, mine = await card(other, title="hers", zpin="1234"), await card(member, title="mine")
    await other.delete(f"{URL}/{hers}")
    await member.delete(f"{URL}/{mine}")
    told = await member.post(f"{URL}/{hers}/restore")
    assert told.status_code == 404 and "1234" not in told.text
    assert (await member.post(f"{URL}/{mine}/restore")).json()["data"]["title"] == "mine"
    assert (await other.post(f"{URL}/{hers}/restore")).status_code == 200


async def test_who_may_not_create_learns_nothing_of_deleted_records(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    hers = await card(other, title="hers")
    await other.delete(f"{URL}/{hers}")
    await rule(admin, "create", "none")
    gone, never = await member.post(f"{URL}/{hers}/restore"), await member.post(f"{URL}/4711/restore")
    assert (gone.status_code, gone.json()["error"]) == (never.status_code, never.json()["error"])


async def test_a_hidden_field_has_no_name_anywhere(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await rule(admin, "any", "own", "zpin", "zcode")
    mine = await card(member, title="mine")
    texts = [(await member.get(path)).text for path in (
        "/api/v1/models", "/api/v1/models/cards", "/api/openapi.json", URL, f"{URL}/{mine}", f"{URL}/export",
        f"{URL}?nope=1", f"{URL}?sort=nope", f"{URL}?fields=nope", f"{URL}/aggregate?group_by=nope",
        f"{URL}/{mine}/history", "/api/v1/access/explain?model=cards&verb=read",
    )]  # fmt: skip
    texts.append((await member.post(f"{URL}?upsert=nope", json={"title": "x"})).text)
    texts.append((await member.post(f"{URL}/import", content=b"nope\n1\n")).text)
    for text in texts:
        assert "zpin" not in text and "zcode" not in text
    for known in ("/api/v1/models/cards", "/api/openapi.json"):
        assert '"zpin"' in (await admin.get(known)).text


async def test_a_model_that_is_not_for_somebody_answers_like_none(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    secret = {**CARDS, "label_plural": "Salaries", "members": "none", "history": False}
    assert (await admin.post("/api/v1/models", json=secret)).status_code == 201

    async def told(model: str) -> list[tuple[int, str]]:
        url = f"/api/v1/{model}"
        operation = {"verb": "create", "model": model, "values": {"title": "x"}}
        answers = [
            await member.get(url), await member.post(url, json={"title": "x"}), await member.get(f"{url}/1"),
            await member.put(f"{url}/1", json={}), await member.patch(f"{url}/1", json={}),
            await member.delete(f"{url}/1"), await member.get(f"{url}/aggregate"), await member.get(f"{url}/export"),
            await member.get(f"{url}/deleted"), await member.get(f"{url}/1/history"),
            await member.post(f"{url}/1/restore"), await member.patch(f"{url}/bulk?all=true", json={"title": "x"}),
            await member.delete(f"{url}/bulk?all=true"), await member.post(f"{url}/import", content=b"title\nx\n"),
            await member.post(f"{url}?upsert=zcode", json={"title": "x"}), await member.get(f"/api/v1/models/{model}"),
            await member.post("/api/v1/batch", json={"operations": [operation]}),
            await member.get(f"/api/v1/access/explain?model={model}&verb=list"),
            await member.get(f"/api/v1/events?models={model}"),
        ]  # fmt: skip
        return [(it.status_code, it.json()["error"].replace(model, "X")) for it in answers]

    assert await told("cards") == await told("nothing")


async def test_the_order_of_hits_does_not_depend_on_what_others_wrote(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await rule(admin, "any", "own", "zpin")
    first = await card(member, title="bear bear honey")
    second = await card(member, title="bear honey honey")

    async def order() -> list[int]:
        return [row["id"] for row in (await member.get(f"{URL}?q=bear honey")).json()["data"]]

    before = await order()
    assert sorted(before) == [first, second]
    for word in ("bear", "honey"):
        for _ in range(8):
            await card(admin, title=word, zpin="long " * 50)
        assert await order() == before
    await admin.patch(f"{URL}/{first}", json={"zpin": "honey " * 90})
    assert await order() == before
    await admin.patch(f"{URL}/{first}", json={"zpin": None})
    await admin.patch(f"{URL}/{second}", json={"zpin": "bear " * 90})
    assert await order() == before


async def test_the_best_of_ones_own_hits_come_first(cards: None, member: httpx2.AsyncClient) -> None:
    long = await card(member, title="a bear among" + " very many other words" * 20)
    none = await card(member, title="honey")
    twice = await card(member, title="Bear! bear?", zpin="bear")
    once = await card(member, title="bear in the den")
    found = [row["id"] for row in (await member.get(f"{URL}?q=bear")).json()["data"]]
    assert found == [twice, once, long] and none not in found


async def test_a_plugin_searches_and_sorts_by_what_its_caller_may_see(
    bear: Bear, cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await rule(admin, "any", "own", "zpin")
    await card(member, title="mine")
    actor = Actor(kind="user", user_id=bear.ids["max"], username="max", role="member")
    records = bear.app.records
    assert [row["title"] for row in await records.find(actor, "cards", sort="-title")] == ["mine"]
    for wrong in (
        {"sort": "zpin"}, {"sort": "-pin"}, {"sort": 'id", (SELECT token_hash FROM api_tokens) --'}, {"limit": 0},
        {"where": {"zpin": "1"}}, {"where": {"zpin__like": "1%"}}, {"where": {"title__is_null": 2}}, {"limit": -1},
        {"where": {"score": 2**63}}, {"where": {"title": "\ud800"}}, {"where": {"score__in": [float("nan")]}},
        {"where": {"title__near": "x"}},
    ):  # fmt: skip
        with pytest.raises(ValidationFailed):
            await records.find(actor, "cards", **wrong)
    assert len(await records.find(actor, "cards", where={"title__ne": None})) == 1


@pytest.mark.parametrize("who", ["member", "guest"])
async def test_a_relation_does_not_tell_of_a_model_that_is_not_for_somebody(
    bear: Bear, admin: httpx2.AsyncClient, who: str
) -> None:
    secret = {"name": "zsalaries", "label": "Zsalary", "label_plural": "Zsalaries", "members": "none",
              "fields": [{"name": "title", "type": "text"}]}  # fmt: skip
    shared = {**CARDS, "guests": "all", "members": "all", "fields": [
        *CARDS["fields"], {"name": "money", "type": "relation", "references": "zsalaries"}]}  # fmt: skip
    for definition in (secret, shared):
        assert (await admin.post("/api/v1/models", json=definition)).status_code == 201
    paid = (await admin.post("/api/v1/zsalaries", json={"title": "zmuch"})).json()["data"]["id"]
    seen = await card(admin, title="seen", money=paid)
    somebody = await bear.person("sam", who)
    refusals = [await somebody.post(URL, json={"title": "x", "money": number}) for number in (paid, paid + 1)]
    assert [answer.status_code for answer in refusals] == [409, 409]
    asked = [await somebody.get(path) for path in (
        "/api/v1/models", "/api/v1/models/cards", "/api/openapi.json", f"{URL}?expand=money", f"{URL}/{seen}",
        f"{URL}/{seen}?expand=money", f"{URL}/{seen}/history", f"{URL}/export", f"{URL}/aggregate?group_by=money",
    )]  # fmt: skip
    imported = [
        await somebody.post(f"{URL}/import?mode={mode}", content=f"title,money\nx,{paid}\n".encode())
        for mode in ("all", "skip_bad")
    ]
    for answer in (*refusals, *asked, *imported):
        assert "zsalar" not in answer.text.lower() and "zmuch" not in answer.text, answer.text
    known = (await admin.get("/api/v1/models/cards")).json()["data"]["fields"]
    assert [field["references"] for field in known if field["name"] == "money"] == ["zsalaries"]


async def test_who_may_not_give_what_a_record_can_not_do_without_hears_no_name_of_it(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    needed = {"name": "zpin", "type": "text", "required": True}
    fields = [needed if field["name"] == "zpin" else field for field in CARDS["fields"] if isinstance(field, dict)]
    await admin.post("/api/v1/models", json={**CARDS, "fields": fields})
    await rule(admin, "any", "own", "title", "zpin")
    body = {"operations": [{"verb": "create", "model": "cards", "values": {"score": 1}}]}
    for answer in (
        await member.post(URL, json={"score": 1}),
        await member.post("/api/v1/batch", json=body),
        await member.post(f"{URL}/import?dry_run=true", content=b"score\n1\n"),
    ):
        assert answer.status_code in (403, 422) and "zpin" not in answer.text, answer.text
    assert (await admin.post(URL, json={"title": "x", "zpin": "1"})).status_code == 201


async def test_a_hidden_field_with_a_default_has_it_in_the_records_of_those_who_do_not_see_it(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await rule(admin, "any", "own", "title")
    mine = await card(member, score=1)
    assert (await admin.get(f"{URL}/{mine}")).json()["data"]["title"] == "untitled"
    body = {"operations": [{"verb": "create", "model": "cards", "values": {"score": 2}}]}
    assert (await member.post("/api/v1/batch", json=body)).status_code == 200


async def test_what_keeps_a_deleted_record_from_coming_back_is_not_named_where_it_is_hidden(
    cards: None, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await rule(admin, "any", "own", "zcode")
    mine = await card(member, title="mine")
    await admin.patch(f"{URL}/{mine}", json={"zcode": "c"})
    await member.delete(f"{URL}/{mine}")
    await card(admin, title="another", zcode="c")
    deletion = (await member.get(f"{URL}/{mine}/history")).json()["data"][0]["id"]
    for answer in (
        await member.post(f"{URL}/{mine}/restore"),
        await member.post("/api/v1/undo", json={"first": deletion, "last": deletion}),
    ):
        assert answer.status_code == 409 and "zcode" not in answer.text, answer.text
    assert "zcode" in (await admin.post(f"{URL}/{mine}/restore")).text


async def test_a_hidden_reference_that_leads_nowhere_any_more_is_not_named(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    boss = {"name": "zboss", "type": "relation", "references": "cards", "on_delete": "set_null"}
    fields = [*CARDS["fields"], boss]
    assert (await admin.post("/api/v1/models", json={**CARDS, "fields": fields})).status_code == 201
    await rule(admin, "any", "own", "zboss")
    mine, hers = await card(member, title="mine"), await card(admin, title="hers")
    await admin.patch(f"{URL}/{mine}", json={"zboss": hers})
    await member.delete(f"{URL}/{mine}")
    await admin.delete(f"{URL}/{hers}")
    answer = await member.post(f"{URL}/{mine}/restore")
    assert answer.status_code == 409 and "zboss" not in answer.text and str(hers) not in answer.json()["error"]
    assert "zboss" in (await admin.post(f"{URL}/{mine}/restore")).text


async def test_an_import_does_not_name_a_hidden_field_whose_default_is_taken(
    admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    fields = [
        {**field, "default": "none"} if isinstance(field, dict) and field["name"] == "zcode" else field
        for field in CARDS["fields"]
    ]
    assert (await admin.post("/api/v1/models", json={**CARDS, "fields": fields})).status_code == 201
    await rule(admin, "any", "own", "zcode")
    await card(member, title="first")
    for answer in (
        await member.post(URL, json={"title": "second"}),
        await member.post(f"{URL}/import", content=b"title\nsecond\n"),
        await member.post(f"{URL}/import?mode=skip_bad", content=b"title\nsecond\nthird\n"),
    ):
        assert "zcode" not in answer.text and "another record" in answer.text.lower(), answer.text
