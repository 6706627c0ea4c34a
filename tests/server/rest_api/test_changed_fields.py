"""A field of an own model that gets another name or type: what was hidden stays hidden, what was deleted comes back."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio

TITLE = {"name": "title", "type": "text"}
MARGIN = {"name": "margin", "type": "integer"}
PRICE = {"name": "price", "type": "integer"}
DEALS: dict[str, Any] = {"name": "deals", "label": "Deal", "members": "all", "fields": [TITLE, MARGIN, PRICE]}
URL = "/api/v1/deals"
RENAMED = [TITLE, {**MARGIN, "name": "profit", "was": "margin"}, PRICE]


@pytest.fixture
async def deals(admin: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """An admin with a model of deals and one of them."""
    assert (await admin.post("/api/v1/models", json=DEALS)).status_code == 201
    assert (await admin.post(URL, json={"title": "boat", "margin": 77, "price": 200})).status_code == 201
    return admin


async def fields_become(admin: httpx2.AsyncClient, fields: list[dict[str, Any]]) -> None:
    answer = await admin.patch("/api/v1/models/deals?confirm=true", json={"fields": fields})
    assert answer.status_code == 200, answer.text


async def hide(admin: httpx2.AsyncClient, *names: str) -> None:
    rule = {"role": "member", "model": "deals", "verb": "any", "extent": "all", "hidden_fields": names}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201


async def seen(member: httpx2.AsyncClient) -> dict[str, Any]:
    [row] = (await member.get(URL)).json()["data"]
    return {name: value for name, value in row.items() if name in ("title", "margin", "profit", "price")}


async def test_what_a_rule_hides_stays_hidden_under_its_new_name(
    deals: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await hide(deals, "margin")
    await fields_become(deals, RENAMED)
    assert await seen(member) == {"title": "boat", "price": 200}
    assert (await member.get(f"{URL}?profit=77")).status_code == 422
    [rule] = (await deals.get("/api/v1/access_rules")).json()["data"]
    assert rule["hidden_fields"] == ["profit"]
    # The rule can be changed as before.
    changed = await deals.patch(f"/api/v1/access_rules/{rule['id']}", json={"extent": "own"})
    assert changed.status_code == 200, changed.text


async def test_a_field_that_takes_the_name_of_a_dropped_one_is_seen_as_before(
    deals: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await hide(deals, "margin")
    await fields_become(deals, [TITLE, {**PRICE, "name": "margin", "was": "price"}])
    assert await seen(member) == {"title": "boat", "margin": 200}


async def test_a_rule_that_hides_a_dropped_field_is_changed_as_before_and_hides_it_when_it_comes_again(
    deals: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await hide(deals, "margin")
    await fields_become(deals, [TITLE, PRICE])
    url = "/api/v1/access_rules/1"
    changed = await deals.patch(url, json={"extent": "own"})
    assert changed.status_code == 200, changed.text
    whole = {"role": "member", "model": "deals", "verb": "any", "extent": "all", "hidden_fields": ["margin", "price"]}
    assert (await deals.put(url, json=whole)).status_code == 200
    narrower = {**whole, "verb": "update", "hidden_fields": ["margin"]}
    assert (await deals.post("/api/v1/access_rules", json=narrower)).status_code == 201
    assert (await deals.patch(url, json={"hidden_fields": ["margin", "mragin"]})).status_code == 422
    await fields_become(deals, DEALS["fields"])
    assert await seen(member) == {"title": "boat"}


async def test_a_hidden_field_that_does_not_take_a_value_any_more_is_not_named(
    deals: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await hide(deals, "margin")
    await deals.patch(f"{URL}/1", json={"margin": None})
    change = (await deals.get(f"{URL}/1/history")).json()["data"][0]["id"]
    await fields_become(deals, [TITLE, {**MARGIN, "maximum": 50}, PRICE])
    answer = await member.post(f"{URL}/1/restore?before={change}")
    assert answer.status_code == 403 and "margin" not in answer.text, answer.text


async def test_a_rename_that_is_refused_leaves_the_rule_as_it_was(
    deals: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await hide(deals, "margin")
    fields = [TITLE, {**MARGIN, "name": "profit", "was": "margin"}, {**PRICE, "maximum": 3}]
    assert (await deals.patch("/api/v1/models/deals", json={"fields": fields})).status_code == 409
    assert await seen(member) == {"title": "boat", "price": 200}


@pytest.mark.parametrize(
    ("events", "domain", "after"),
    [
        (["deals"], [["margin", ">", 3]], [["profit", ">", 3]]),
        (["deals.create", "deals.update"], ["|", ["title", "=", "margin"], ["!", ["margin", "in", [1]]]],
         ["|", ["title", "=", "margin"], ["!", ["profit", "in", [1]]]]),
        (["deals"], [["title", "=", "margin"]], [["title", "=", "margin"]]),
        (["notes"], [["title", "=", "margin"]], [["title", "=", "margin"]]),
    ],
)  # fmt: skip
async def test_the_filter_of_a_webhook_follows_a_new_name(
    deals: httpx2.AsyncClient, events: list[str], domain: list[Any], after: list[Any]
) -> None:
    values = {"name": "hook", "url": "https://bears.example/", "events": events, "filter": domain}
    assert (await deals.post("/api/v1/webhooks", json=values)).status_code == 201
    await fields_become(deals, RENAMED)
    [webhook] = (await deals.get("/api/v1/webhooks")).json()["data"]
    assert webhook["filter"] == after


async def test_the_filter_of_a_webhook_for_several_models_follows_when_the_last_of_them_has_the_new_name(
    deals: httpx2.AsyncClient,
) -> None:
    offers = {**DEALS, "name": "offers", "label": "Offer"}
    assert (await deals.post("/api/v1/models", json=offers)).status_code == 201
    domain = ["!", ["margin", ">", 3]]
    values = {"name": "hook", "url": "https://bears.example/", "events": ["deals", "offers.create"], "filter": domain}
    assert (await deals.post("/api/v1/webhooks", json=values)).status_code == 201
    for model, after in (("offers", domain), ("deals", ["!", ["profit", ">", 3]])):
        answer = await deals.patch(f"/api/v1/models/{model}", json={"fields": RENAMED})
        assert answer.status_code == 200, answer.text
        [webhook] = (await deals.get("/api/v1/webhooks")).json()["data"]
        assert webhook["filter"] == after


async def test_a_deleted_record_comes_back_with_the_values_of_renamed_fields(deals: httpx2.AsyncClient) -> None:
    await deals.patch(f"{URL}/1", json={"margin": 78})
    await deals.delete(f"{URL}/1")
    await fields_become(deals, [TITLE, {**MARGIN, "name": "price", "was": "margin"}])
    [entry] = (await deals.get(f"{URL}/deleted")).json()["data"]
    assert entry["before"]["price"] == 78
    row = (await deals.post(f"{URL}/1/restore")).json()["data"]
    assert (row["title"], row["price"]) == ("boat", 78)
    change = next(one for one in (await deals.get(f"{URL}/1/history")).json()["data"] if one["verb"] == "update")
    assert (change["before"], change["after"]) == ({"price": 77}, {"price": 78})
    assert (await deals.post(f"{URL}/1/restore?before={change['id']}")).json()["data"]["price"] == 77


async def test_a_deleted_record_comes_back_without_what_its_fields_do_not_take_any_more(
    deals: httpx2.AsyncClient,
) -> None:
    await fields_become(deals, [*DEALS["fields"], {"name": "parts", "type": "tags"}, {"name": "state", "type": "text"}])
    await deals.patch(f"{URL}/1", json={"parts": ["mast", "sail"]})
    await deals.delete(f"{URL}/1")
    state = {"name": "state", "type": "text", "required": True, "default": "new"}
    await fields_become(deals, [TITLE, {**MARGIN, "maximum": 50}, PRICE, {"name": "parts", "type": "number"}, state])
    answer = await deals.post(f"{URL}/1/restore")
    assert answer.status_code == 200, answer.text
    row = answer.json()["data"]
    assert (row["title"], row["price"]) == ("boat", 200)
    assert (row["margin"], row["parts"], row["state"]) == (None, None, "new")


@pytest.mark.parametrize("kind", ["number", "boolean", "bytes", "text"])
async def test_a_value_that_its_field_does_not_take_any_more_is_not_put_back(
    deals: httpx2.AsyncClient, kind: str
) -> None:
    await fields_become(deals, [*DEALS["fields"], {"name": "parts", "type": "tags"}])
    for parts in (["mast"], None):
        await deals.patch(f"{URL}/1", json={"parts": parts})
    change = (await deals.get(f"{URL}/1/history")).json()["data"][0]["id"]
    await fields_become(deals, [*DEALS["fields"], {"name": "parts", "type": kind}])
    answer = await deals.post(f"{URL}/1/restore?before={change}")
    assert (answer.status_code, answer.json()["code"]) == (409, "does_not_fit"), answer.text
    undone = await deals.post("/api/v1/undo", json={"first": change, "last": change})
    assert undone.status_code == 409, undone.text
    assert (await deals.get(URL)).json()["data"][0]["parts"] is None
