"""The recovery phrase over REST: shown once, in force when it was typed back, for admins alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.secrets.phrase import new_phrase, unwrap
from tests.conftest import Bear, running_bear

pytestmark = pytest.mark.anyio
ADDRESS = "/api/v1/backups/recovery-phrase"
NONE = {"state": "none", "since": None, "waits": False}


async def test_a_phrase_is_shown_once_and_in_force_when_it_was_typed_back(
    bear: Bear, admin: Any, tmp_path: Path
) -> None:
    assert (await admin.get(ADDRESS)).json()["data"] == NONE
    made = await admin.post(ADDRESS)
    assert (made.status_code, made.headers["cache-control"], made.headers["location"]) == (
        201,
        "private, no-store",
        ADDRESS,
    )
    phrase = made.json()["data"]["phrase"]
    assert len(phrase.split()) == 12
    shown = await admin.get(ADDRESS)
    assert shown.json()["data"] == {**NONE, "waits": True}
    wrapped = tmp_path / "data" / "secrets" / "key-ring.wrapped"
    assert not wrapped.exists()
    answer = await admin.post(f"{ADDRESS}/confirm", json={"phrase": f" {phrase.title()}  "})
    state = answer.json()["data"]
    assert (answer.status_code, state["state"], state["waits"]) == (200, "kept", False)
    assert state == (await admin.get(ADDRESS)).json()["data"]
    assert unwrap(wrapped.read_bytes(), phrase).ids == bear.app.records.shelf.vault.key_ids
    assert phrase not in answer.text + shown.text


async def test_a_new_phrase_replaces_the_old_one_only_after_it_was_typed_back(bear: Bear, admin: Any) -> None:
    vault = bear.app.records.shelf.vault
    first = (await admin.post(ADDRESS)).json()["data"]["phrase"]
    await admin.post(f"{ADDRESS}/confirm", json={"phrase": first})
    second = (await admin.post(ADDRESS)).json()["data"]["phrase"]
    unwrap(vault.wrapped() or b"", first)
    answer = await admin.post(f"{ADDRESS}/confirm", json={"phrase": first})
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_phrase")
    assert (await admin.get(ADDRESS)).json()["data"]["waits"]
    await admin.post(f"{ADDRESS}/confirm", json={"phrase": second})
    assert unwrap(vault.wrapped() or b"", second).ids == vault.key_ids


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"phrase": new_phrase()}, 422, "wrong_phrase", "phrase"),
        ({"phrase": "abandon abot"}, 422, "wrong_phrase", "phrase"),
        ({"phrase": ""}, 422, "wrong_phrase", "phrase"),
        ({"phrase": None}, 422, "validation_error", "phrase"),
        ({"phrase": 7}, 422, "validation_error", "phrase"),
        ({"phrase": "zoo " * 1000}, 422, "validation_error", "phrase"),
        ({"phrase": "zoo", "words": []}, 422, "validation_error", "words"),
        ({}, 422, "validation_error", "phrase"),
    ],
)
async def test_what_is_not_the_phrase_is_refused_and_named(
    admin: Any, body: Any, status: int, code: str, field: str
) -> None:
    await admin.post(ADDRESS)
    answer = await admin.post(f"{ADDRESS}/confirm", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert field in answer.json()["fields"]
    assert (await admin.get(ADDRESS)).json()["data"]["state"] == "none"


async def test_a_body_that_is_no_json_and_a_phrase_that_nobody_made_are_refused(admin: Any) -> None:
    assert (await admin.post(f"{ADDRESS}/confirm", content=b"{")).status_code == 400
    answer = await admin.post(f"{ADDRESS}/confirm", json={"phrase": new_phrase()})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_phrase_waits")


async def test_only_admins_reach_it(bear: Bear, admin: Any, member: Any, guest_role: Any, nobody: Any) -> None:
    reader = await bear.person("ada", "admin", scopes=["api:read"])
    phrase = (await admin.post(ADDRESS)).json()["data"]["phrase"]
    for client, status in ((nobody, 401), (guest_role, 403), (member, 403)):
        for answer in (
            await client.get(ADDRESS),
            await client.post(ADDRESS),
            await client.post(f"{ADDRESS}/confirm", json={"phrase": phrase}),
        ):
            assert answer.status_code == status
            assert "phrase" not in answer.json().get("data", {})
    assert (await reader.get(ADDRESS)).status_code == 200
    assert (await reader.post(ADDRESS)).status_code == 403
    assert (await reader.post(f"{ADDRESS}/confirm", json={"phrase": phrase})).status_code == 403
    assert (await admin.post(f"{ADDRESS}/confirm", json={"phrase": phrase})).status_code == 200


async def test_a_restart_keeps_the_phrase_and_forgets_the_one_that_waits(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        first = (await admin.post(ADDRESS)).json()["data"]["phrase"]
        since = (await admin.post(f"{ADDRESS}/confirm", json={"phrase": first})).json()["data"]["since"]
        second = (await admin.post(ADDRESS)).json()["data"]["phrase"]
    async with running_bear(tmp_path / "data") as bear:
        bear.ids["ada"] = 1
        admin = await bear.person("ada", "admin")
        assert (await admin.get(ADDRESS)).json()["data"] == {"state": "kept", "since": since, "waits": False}
        assert (await admin.post(f"{ADDRESS}/confirm", json={"phrase": second})).status_code == 409
        unwrap(bear.app.records.shelf.vault.wrapped() or b"", first)


async def test_the_addresses_are_described(admin: Any) -> None:
    paths = (await admin.get("/api/openapi.json")).json()["paths"]
    assert set(paths[ADDRESS]) == {"get", "post"}
    shown = str(paths[ADDRESS]) + str(paths[f"{ADDRESS}/confirm"])
    assert "Answer_NewPhrase_" in shown
    assert "Answer_PhraseState_" in shown
