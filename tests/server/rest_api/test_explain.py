"""GET /access/explain: reasons, for oneself and for admins about others; it leaks nothing."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio
URL = "/api/v1/access/explain"


async def test_the_default_is_named_as_the_reason(member: httpx2.AsyncClient) -> None:
    answer = (await member.get(f"{URL}?model=notes&verb=update")).json()["data"]
    assert (answer["allowed"], answer["extent"]) == (True, "own")
    assert answer["reasons"] == [
        {"source": "the role member", "extent": "own", "hidden_fields": [], "rule_id": None,
         "from": "the model's default"}
    ]  # fmt: skip


async def test_rules_of_groups_are_reasons_too(bear: Any, admin: httpx2.AsyncClient, member: Any) -> None:
    group = (await admin.post("/api/v1/groups", json={"name": "editors"})).json()["data"]["id"]
    await admin.post("/api/v1/group_members", json={"group_id": group, "user_id": bear.ids["max"]})
    rule = {"group_id": group, "model": "notes", "verb": "read", "extent": "all"}
    rule_id = (await admin.post("/api/v1/access_rules", json=rule)).json()["data"]["id"]
    answer = (await admin.get(f"{URL}?model=notes&verb=read&user={bear.ids['max']}")).json()["data"]
    assert answer["extent"] == "all"
    assert [(reason["source"], reason["rule_id"]) for reason in answer["reasons"]] == [
        ("the role member", None),
        ("the group editors", rule_id),
    ]


async def test_of_one_record_it_says_whose_it_is(bear: Any, admin: httpx2.AsyncClient, member: httpx2.AsyncClient,
                                                 other: httpx2.AsyncClient) -> None:  # fmt: skip
    note = (await other.post("/api/v1/notes", json={"title": "hers"})).json()["data"]["id"]
    asked = f"{URL}?model=notes&verb=read&id={note}"
    told = (await admin.get(f"{asked}&user={bear.ids['max']}")).json()["data"]
    assert told["allowed"] is False
    assert told["record"]["owner_id"] == bear.ids["olga"]
    mine = (await member.get(asked)).json()["data"]["record"]
    missing = (await member.get(f"{URL}?model=notes&verb=read&id=4711")).json()["data"]["record"]
    assert {**mine, "id": 0} == {**missing, "id": 0}
    assert (await other.get(asked)).json()["data"]["record"]["allowed"] is True


async def test_only_admins_ask_about_others(bear: Any, member: httpx2.AsyncClient, nobody: Any) -> None:
    assert (await member.get(f"{URL}?model=notes&verb=read&user={bear.ids['ada']}")).status_code == 403
    assert (await nobody.get(f"{URL}?model=notes&verb=read")).status_code == 401
    assert (await member.get(f"{URL}?model=access_rules&verb=read")).status_code == 404


@pytest.mark.parametrize("query", ["model=notes", "model=notes&verb=fly", "model=notes&verb=read&user=x", ""])
async def test_bad_questions_are_422(admin: httpx2.AsyncClient, query: str) -> None:
    assert (await admin.get(f"{URL}?{query}")).status_code == 422


async def test_unknown_models_and_people_are_404(admin: httpx2.AsyncClient) -> None:
    assert (await admin.get(f"{URL}?model=birds&verb=read")).status_code == 404
    assert (await admin.get(f"{URL}?model=notes&verb=read&user=4711")).status_code == 404
