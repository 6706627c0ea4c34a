"""Imports with an `Idempotency-Key`: sent again, taken over once, and told again to nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.errors import Busy
from server.records import importing
from server.records.import_key import KeptImport
from server.records.import_takeover import Takeover
from tests.conftest import Bear, running_bear
from tests.server.rest_api.tests_key_support import kept, refused
from tests.server.rest_api.tests_transfer_support import NOTES, left_behind, rows

pytestmark = pytest.mark.anyio
FILE = "title,priority\none,1\ntwo,2\nthree,3\n"
PARTLY = "title,priority\none,1\ntwo,perhaps\nthree,3\n"


async def sent(
    client: httpx2.AsyncClient, file: str = FILE, key: str = "key", *, to: str = f"{NOTES}/import", **parameters: str
) -> httpx2.Response:
    return await client.post(to, params=parameters, content=file.encode(), headers={"idempotency-key": key})


@pytest.mark.parametrize(("mode", "file", "count"), [("all", FILE, 3), ("skip_bad", FILE, 3), ("skip_bad", PARTLY, 2)])
async def test_what_is_sent_twice_is_taken_over_once_and_told_twice(
    bear: Bear, member: httpx2.AsyncClient, mode: str, file: str, count: int
) -> None:
    first, second = [await sent(member, file, mode=mode) for _ in range(2)]
    assert first.status_code == 200, first.text
    assert first.json() == second.json() and first.json()["data"]["imported"] == count
    assert "idempotency-replayed" not in first.headers and second.headers["idempotency-replayed"] == "true"
    assert len(await rows(member)) == count and left_behind(bear) == []
    assert (await sent(member, file, "another", mode=mode)).json()["data"]["first_id"] > count
    assert len(kept(bear)) == 2


@pytest.mark.parametrize("mode", ["all", "skip_bad"])
async def test_those_that_come_at_once_are_one_import(bear: Bear, member: httpx2.AsyncClient, mode: str) -> None:
    answers = await asyncio.gather(*(sent(member, mode=mode) for _ in range(2)))
    answers += [await sent(member, mode=mode) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert len(await rows(member)) == 3 and left_behind(bear) == []


async def test_those_that_come_while_it_is_stored_wait_for_it_and_take_no_place(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may = asyncio.Event(), asyncio.Event()
    take = importing.Import._take

    async def slow(self: importing.Import, *given: Any) -> Any:
        begun.set()
        await may.wait()
        return await take(self, *given)

    monkeypatch.setattr(importing.Import, "_take", slow)
    first = asyncio.create_task(sent(member))
    await begun.wait()
    # Only two imports run at once; these wait beside them.
    others = [asyncio.create_task(sent(member)) for _ in range(6)]
    refused(await sent(member, "title\nanother\n"), 422, "idempotency_key_reused")
    assert not any(task.done() for task in others)
    may.set()
    answers = await asyncio.gather(first, *others)
    assert len({answer.text for answer in answers}) == 1 and answers[0].status_code == 200
    assert len(await rows(member)) == 3


async def test_a_failure_of_the_first_is_that_of_those_that_waited_and_keeps_nothing(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may = asyncio.Event(), asyncio.Event()

    async def slow(_self: importing.Import, *_given: Any) -> Any:
        begun.set()
        await may.wait()
        raise Busy("The disk is slow.", retry_after=3.0)

    with monkeypatch.context() as patched:
        patched.setattr(importing.Import, "_take", slow)
        first = asyncio.create_task(sent(member))
        await begun.wait()
        second = asyncio.create_task(sent(member))
        may.set()
        for answer in await asyncio.gather(first, second):
            refused(answer, 503, "busy")
    assert kept(bear) == [] and await rows(member) == []
    assert (await sent(member)).json()["data"]["imported"] == 3


async def test_an_import_that_is_refused_keeps_nothing_and_a_dry_run_takes_no_key(
    bear: Bear, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    refused(await sent(member, PARTLY), 422, "rows_refused")
    assert (await sent(member, dry_run="true")).json()["data"]["dry_run"] is True
    assert (await sent(nobody)).status_code == 401
    assert (await sent(guest_role)).status_code == 403
    assert (await sent(member, to="/api/v1/nothing/import")).status_code == 404
    for key in ("", "two words", "x" * 256):
        assert "UUID" in refused(await sent(member, key=key), 400, "idempotency_key_invalid")["error"]
    assert kept(bear) == [] and await rows(member) == [] and left_behind(bear) == []
    assert "idempotency-replayed" not in (await sent(member)).headers


async def test_another_file_another_mapping_or_a_create_with_the_same_key_is_refused(
    bear: Bear, member: httpx2.AsyncClient
) -> None:
    await sent(member)
    refused(await sent(member, FILE + "four,4\n"), 422, "idempotency_key_reused")
    refused(await sent(member, mode="skip_bad"), 422, "idempotency_key_reused")
    made = await member.post(NOTES, json={"title": "x"}, headers={"idempotency-key": "key"})
    refused(made, 422, "idempotency_key_reused")
    await member.post(NOTES, json={"title": "x"}, headers={"idempotency-key": "of-a-create"})
    refused(await sent(member, key="of-a-create"), 422, "idempotency_key_reused")
    assert len(await rows(member)) == 4


async def test_a_key_is_its_persons_alone_and_rights_are_looked_at_anew(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    for client in (member, other):
        assert "idempotency-replayed" not in (await sent(client)).headers
    assert (len(await rows(member)), len(await rows(other))) == (3, 3)
    reading = await bear.person("max", scopes=["api:read"])
    refused(await sent(reading), 403, "forbidden")
    rule = {"role": "member", "group_id": None, "model": "notes", "verb": "create", "extent": "none"}
    assert (await admin.post("/api/v1/access_rules", json=rule)).status_code == 201
    refused(await sent(member), 403, "forbidden")


@pytest.mark.parametrize("mode", ["all", "skip_bad"])
async def test_records_that_are_made_one_by_one_are_made_once_too(
    bear: Bear, admin: httpx2.AsyncClient, mode: str
) -> None:
    file = "username,password,role\nnina,correct horse battery,member\nnils,correct horse battery,member\n"
    answers = [await sent(admin, file, to="/api/v1/users/import", mode=mode) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}, answers[0].text
    assert len({answer.text for answer in answers}) == 1 and answers[0].json()["data"]["imported"] == 2
    assert (await admin.get("/api/v1/users?username__in=nina,nils")).json()["count"] == 2
    assert "correct horse" not in str(kept(bear))


async def test_an_import_that_was_broken_off_is_not_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some_rows = Takeover.some_rows

    def broken(self: Takeover, work: Any, low: int, high: int) -> Any:
        if low > 2:
            raise Busy("The server is stopping.", retry_after=1.0)
        return some_rows(self, work, low, high)

    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.person("ada", "admin")
        with monkeypatch.context() as patched:
            patched.setattr(importing, "FIRST_CHUNK", 2)
            patched.setattr(Takeover, "some_rows", broken)
            refused(await sent(admin, mode="skip_bad"), 503, "busy")
    # After a restart, too.
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.signed_in("ada")
        for _ in range(2):
            refused(await sent(admin, mode="skip_bad"), 409, "idempotency_interrupted")
        assert [row["title"] for row in await rows(admin)] == ["one", "two"]
        assert (await sent(admin, key="fresh", mode="skip_bad")).json()["data"]["imported"] == 3


@pytest.mark.parametrize("mode", ["all", "skip_bad"])
async def test_a_key_that_cant_be_written_takes_its_rows_along(
    bear: Bear, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    def broken(self: KeptImport, work: Any, report: Any) -> None:
        raise Busy("no room for a key", retry_after=1.0)

    with monkeypatch.context() as patched:
        patched.setattr(KeptImport, "_keep", broken)
        assert (await sent(member, mode=mode)).status_code == 503
    assert await rows(member) == [] and kept(bear) == []
    assert (await sent(member, mode=mode)).json()["data"]["imported"] == 3


async def test_the_answer_survives_a_restart(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data") as bear:
        await bear.person("ada", "admin")
        first = await sent(await bear.signed_in("ada"))
    async with running_bear(tmp_path / "data") as bear:
        admin = await bear.signed_in("ada")
        again = await sent(admin)
        assert again.headers["idempotency-replayed"] == "true" and again.json() == first.json()
        assert len(await rows(admin)) == 3
