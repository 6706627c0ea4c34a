"""Background tasks: stored first, owned by a person, whole results, honest ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM, Actor
from server.errors import Conflict, Forbidden, NotFound, RateLimited, UpstreamFailed, ValidationFailed
from server.tasks.kinds import Kind, TaskFailed
from server.tasks.report import LOG_LINES, Report
from server.tasks.waiting import Entry
from tests.conftest import Bear, running_bear
from tests.server.tasks.tests_tasks_support import Gate, ended, person, queue, until

pytestmark = pytest.mark.anyio
Given = dict[str, Any]


async def test_a_task_runs_for_its_person_and_keeps_its_whole_result(bear: Bear) -> None:
    max_, olga = await person(bear, "max"), await person(bear, "olga")
    tasks = queue(bear)

    async def work(actor: Actor, given: Given, report: Report) -> Any:
        report.progress(0.5, "half way")
        report.log("one\ntwo")
        return {"for": actor.username, "text": given["word"] * 200_000}

    async def fail(_actor: Actor, _given: Given, _report: Report) -> Any:
        raise UpstreamFailed("the other side is away")

    tasks.register(Kind("work", work))
    tasks.register(Kind("fail", fail))
    done = await ended(bear, (await tasks.submit(max_, "work", "Work", {"word": "honey"}))["key"])
    assert done["status"] == "completed" and done["progress"] == 1.0 and done["message"] == "half way"
    assert done["result"] == {"for": "max", "text": "honey" * 200_000}
    assert [line.split(" ", 1)[1] for line in done["log"].splitlines()] == ["one", "two"]
    assert "acting" not in done
    failed = await ended(bear, (await tasks.submit(max_, "fail", "Fail", {}))["key"])
    assert failed["status"] == "failed" and failed["error"] == "the other side is away"
    for stranger in (olga, SYSTEM):
        with pytest.raises(NotFound):
            await tasks.of(stranger, done["key"])
        with pytest.raises(NotFound):
            await tasks.retry(stranger, failed["key"])
    assert await tasks.listed(olga) == ([], 0) and (await tasks.listed(max_))[1] == 2
    with pytest.raises(Conflict):
        await tasks.cancel(max_, done["key"])
    with pytest.raises(Conflict):
        await tasks.retry(max_, done["key"])
    again = await tasks.retry(max_, failed["key"])
    assert again["key"] != failed["key"] and again["retry_of"] == failed["key"]
    assert (await ended(bear, again["key"]))["status"] == "failed"


async def test_what_no_record_takes_of_what_a_task_tells_costs_neither_its_result_nor_its_error(bear: Bear) -> None:
    max_, tasks = await person(bear, "max"), queue(bear)
    said = "a\0b \ud800"

    async def work(_actor: Actor, given: Given, report: Report) -> Any:
        report.progress(0.5, said)
        report.log(said)
        if given["fails"]:
            raise UpstreamFailed(said)
        return {"done": True}

    tasks.register(Kind("work", work))
    for fails in (False, True):
        row = await ended(bear, (await tasks.submit(max_, "work", "Work", {"fails": fails}))["key"])
        assert row["message"] == "a\ufffdb ?" and row["log"].endswith(" a\ufffdb ?")
        assert (row["status"], row["result"], row["error"]) == (
            ("failed", None, "a\ufffdb ?") if fails else ("completed", {"done": True}, None)
        )


async def test_a_person_has_only_so_many_and_can_cancel_what_runs_and_what_waits(tmp_path: Path) -> None:
    async with running_bear(tmp_path, tasks_open_per_person=3, tasks_at_once_per_person=2) as bear:
        max_ = await person(bear, "max")
        tasks, gate = queue(bear), Gate()
        tasks.register(Kind("wait", gate.run, at_once=10))
        rows = [await tasks.submit(max_, "wait", "Wait", {"name": number}) for number in range(3)]
        with pytest.raises(RateLimited, match="tasks_open_per_person"):
            await tasks.submit(max_, "wait", "Wait", {})
        await until(bear, rows[1]["key"], lambda row: row["status"] == "running")
        assert (await tasks.cancel(max_, rows[2]["key"]))["status"] == "cancelled", "it waited"
        assert (await tasks.cancel(max_, rows[0]["key"]))["status"] == "cancelled", "it ran"
        await tasks.stop()
        assert [row["status"] for row in (await tasks.listed(max_))[0]] == ["cancelled", "interrupted", "cancelled"]
        assert gate.begun == [0, 1] and gate.most == 2


@pytest.mark.parametrize("logs", [False, True])
async def test_a_cancel_in_the_moment_in_which_a_task_ends_leaves_it_ended_and_says_how(bear: Bear, logs: bool) -> None:
    max_ = await person(bear, "max")
    tasks = queue(bear)
    cancels: list[asyncio.Task[dict[str, Any]]] = []

    async def end(report: Report, key: str) -> None:
        if logs:
            # Its line is on the way to the file when the work is done.
            report.log("nearly done")
            await asyncio.sleep(0)
        # It comes when the work is done, and the last word about it is on its way to the file.
        asyncio.get_running_loop().call_soon(lambda: cancels.append(asyncio.ensure_future(tasks.cancel(max_, key))))

    async def work(_actor: Actor, given: Given, report: Report) -> Any:
        await end(report, given["key"])
        return {"done": True}

    async def fail(_actor: Actor, given: Given, report: Report) -> Any:
        await end(report, given["key"])
        raise UpstreamFailed("away")

    tasks.register(Kind("work", work))
    tasks.register(Kind("fail", fail))
    tasks.register(Kind("again", fail, idempotent=True, attempts=3))
    for kind, status in (("work", "completed"), ("fail", "failed"), ("again", "cancelled")):
        key = f"task-{kind}"
        await tasks.submit(max_, kind, kind, {"key": key}, key=key)
        row = await until(bear, key, lambda row: row["status"] != "queued" or row["not_before"] is not None)
        while not cancels:
            await asyncio.sleep(0)
        try:
            assert (await cancels.pop())["status"] == status
        except Conflict as error:
            assert error.code == "task_ended" and kind != "again", "the last word was in the file already"
        row = await tasks.of(max_, key)
        assert row["status"] == status
        result = await tasks.result_part(row, 0, 100)
        assert result == (('{"done":true}', 13) if kind == "work" else ("", 0)) and row["finished_at"]
        assert not logs or row["log"].endswith("nearly done")
    assert not tasks._runs._running and not tasks._runs._delayed


async def test_a_task_that_ends_while_its_cancel_reads_its_row_stays_as_it_ended(
    bear: Bear, monkeypatch: pytest.MonkeyPatch
) -> None:
    max_, gate = await person(bear, "max"), Gate()
    tasks = queue(bear)
    tasks.register(Kind("gate", gate.run))
    key = str((await tasks.submit(max_, "gate", "Gate", {}))["key"])
    await until(bear, key, lambda row: row["status"] == "running")
    read = tasks.of

    async def read_late(actor: Actor, key: str) -> dict[str, Any]:
        row = await read(actor, key)
        gate.open.set()
        await ended(bear, key)
        while tasks._runs._running:
            await asyncio.sleep(0)
        return row

    monkeypatch.setattr(tasks, "of", read_late)
    with pytest.raises(Conflict) as refused:
        await tasks.cancel(max_, key)
    assert refused.value.code == "task_ended" and (await read(max_, key))["status"] == "completed"


async def test_the_more_important_task_goes_first_and_a_kind_runs_only_so_often_at_once(bear: Bear) -> None:
    max_ = await person(bear, "max")
    tasks, gate = queue(bear), Gate()
    rows = [
        await bear.app.records.create(SYSTEM, "tasks", {
            "owner_id": max_.user_id, "key": f"task-{name}", "kind": "wait", "priority": priority,
            "input": {"name": name}, "acting": '{"kind":"user","scopes":["api"],"credential_id":1,"resource":null}',
        })
        for name, priority in (("low", -1), ("first", 0), ("second", 0), ("high", 7))
    ]  # fmt: skip
    tasks.register(Kind("wait", gate.run, at_once=1))
    await tasks.start()
    gate.open.set()
    for row in rows:
        assert (await ended(bear, row["key"]))["status"] == "completed"
    assert gate.begun == ["high", "first", "second", "low"] and gate.most == 1


async def test_only_what_may_be_done_twice_is_tried_again_and_waits_longer_each_time(bear: Bear) -> None:
    max_ = await person(bear, "max")
    tasks = queue(bear)
    errors: list[Exception] = [UpstreamFailed("away"), UpstreamFailed("still away", retry_after=77.0)]

    async def work(_actor: Actor, _given: Given, report: Report) -> Any:
        report.log("trying")
        if errors:
            raise errors.pop(0)
        return "done"

    tasks.register(Kind("again", work, idempotent=True, attempts=3))
    key = (await tasks.submit(max_, "again", "Again", {}))["key"]
    for attempts in (1, 2):
        row = await until(bear, key, partial(_waits_again, attempts))
        assert row["status"] == "queued" and "away" in row["error"]
        while row["id"] not in tasks._runs._delayed:
            await asyncio.sleep(0)
        # The wait itself is the clock's affair: its end comes now.
        timer = tasks._runs._delayed[row["id"]]
        assert timer.when() - asyncio.get_running_loop().time() > (1 if attempts == 1 else 70)
        timer.cancel()
        tasks._runs._due(Entry.of(row))
    row = await ended(bear, key)
    assert row["status"] == "completed" and row["attempts"] == 3 and row["error"] is None
    assert len(row["log"].splitlines()) == 3, "the log goes on"


@pytest.mark.parametrize("error", [ValidationFailed("no"), Forbidden("no"), TaskFailed("no", for_good=True)])
async def test_what_would_fail_in_the_same_way_is_not_tried_again(bear: Bear, error: Exception) -> None:
    max_ = await person(bear, "max")
    tasks = queue(bear)

    async def work(_actor: Actor, _given: Given, _report: Report) -> Any:
        raise error

    tasks.register(Kind("work", work, idempotent=True, attempts=5))
    row = await ended(bear, (await tasks.submit(max_, "work", "Work", {}))["key"])
    assert row["status"] == "failed" and row["attempts"] == 1


async def test_a_task_acts_with_the_rights_of_the_time_when_it_runs(bear: Bear) -> None:
    max_ = await person(bear, "max")
    token = (await bear.app.people.create_token("max"))["id"]
    holder = Actor(kind="token", user_id=max_.user_id, username="max", role="member", credential_id=token)
    tasks, gate = queue(bear), Gate()
    seen: list[Actor] = []

    async def look(actor: Actor, _given: Given, _report: Report) -> Any:
        seen.append(actor)

    tasks.register(Kind("gate", gate.run, at_once=1))
    await tasks.submit(max_, "gate", "Gate", {})
    waiting = [await _stored(bear, actor, "look") for actor in (max_, holder)]
    await bear.app.records.update(SYSTEM, "users", max_.user_id or 0, {"role": "guest"})
    await bear.app.records.delete(SYSTEM, "api_tokens", token)
    tasks.register(Kind("look", look))
    await tasks.start()
    assert (await ended(bear, waiting[0]))["status"] == "completed"
    refused = await ended(bear, waiting[1])
    assert refused["status"] == "failed" and "revoked" in refused["error"]
    assert [actor.role for actor in seen] == ["guest"]
    await bear.app.records.update(SYSTEM, "users", max_.user_id or 0, {"is_active": False})
    gone = await ended(bear, (await tasks.submit(max_, "look", "Look", {}))["key"])
    assert gone["status"] == "failed" and len(seen) == 1
    await tasks.stop()


@pytest.mark.parametrize("end", ["revoked", "deactivated", "demoted", "renamed"])
async def test_what_runs_ends_with_the_rights_of_whom_it_runs_for_and_says_why(bear: Bear, end: str) -> None:
    max_, olga = await person(bear, "max"), await person(bear, "olga")
    records, tasks, gate = bear.app.records, queue(bear), Gate()
    if end == "demoted":
        await records.update(SYSTEM, "users", max_.user_id or 0, {"role": "admin"})
    tokens = [(await bear.app.people.create_token(name))["id"] for name in ("max", "max", "olga")]
    runs = [(max_, tokens[0]), (max_, tokens[1]), (olga, tokens[2])]
    tasks.register(Kind("gate", gate.run, idempotent=True, attempts=3))
    rows = [
        await tasks.submit(replace(actor, kind="token", credential_id=token), "gate", "Gate", {"name": str(token)})
        for actor, token in runs
    ]
    rows.append(await tasks.submit(max_, "gate", "Gate", {"name": "signed in"}))
    for row in rows:
        await until(bear, row["key"], lambda row: row["status"] == "running")
    while gate.at_once < len(rows):
        await asyncio.sleep(0)
    over = [0, 1, 3]
    if end == "revoked":
        await records.delete(SYSTEM, "api_tokens", tokens[0])
        over, why = [0], "The token that asked for this task was revoked or has expired."
    elif end == "deactivated":
        await records.update(SYSTEM, "users", max_.user_id or 0, {"is_active": False})
        why = "The person of this task may not enter any more."
    elif end == "demoted":
        await records.update(SYSTEM, "users", max_.user_id or 0, {"role": "member"})
        why = "The person of this task was an admin when it began, and is none any more."
    else:
        await records.update(SYSTEM, "users", max_.user_id or 0, {"display_name": "Max"})
        over, why = [], ""
    for index in over:
        row = await ended(bear, rows[index]["key"])
        assert (row["status"], row["error"]) == ("failed", why)
    assert gate.at_once == len(rows) - len(over)
    gate.open.set()
    for index in {0, 1, 2, 3} - set(over):
        assert (await ended(bear, rows[index]["key"]))["status"] == "completed"
    await tasks.stop()


async def _stored(bear: Bear, actor: Actor, kind: str) -> str:
    other = queue(bear)
    other.register(Kind(kind, Gate().run, at_once=0))
    return str((await other.submit(actor, kind, kind, {}))["key"])


async def test_a_flood_of_progress_and_lines_is_stored_in_few_writes(bear: Bear) -> None:
    max_ = await person(bear, "max")
    tasks = queue(bear)
    writes = 0

    def count(_event: Any) -> None:
        nonlocal writes
        writes += 1

    async def chatter(_actor: Actor, _given: Given, report: Report) -> Any:
        for number in range(5000):
            report.progress(number / 5000)
            report.log(f"line {number}")
            if number % 100 == 0:
                await asyncio.sleep(0)

    bear.app._bus.subscribe(count, ("tasks",))
    tasks.register(Kind("chatter", chatter))
    row = await ended(bear, (await tasks.submit(max_, "chatter", "Chatter", {}))["key"])
    lines = row["log"].splitlines()
    assert len(lines) == LOG_LINES and lines[-1].endswith("line 4999")
    assert writes < 50


async def test_tasks_over_rest_are_ones_own_and_cancelled_and_retried_by_nobody_else(
    bear: Bear, member: httpx2.AsyncClient, other: httpx2.AsyncClient, admin: httpx2.AsyncClient,
    nobody: httpx2.AsyncClient, guest_role: httpx2.AsyncClient,
) -> None:  # fmt: skip
    values = {"owner_id": bear.ids["max"], "key": "task-1", "kind": "gone", "status": "failed", "log": "a line",
              "acting": '{"kind":"user"}'}  # fmt: skip
    row = await bear.app.records.create(SYSTEM, "tasks", values)
    mine = (await member.get(f"/api/v1/tasks/{row['id']}")).json()["data"]
    assert mine["log"] == "a line" and "acting" not in mine
    for stranger in (other, guest_role):
        assert (await stranger.get("/api/v1/tasks")).json()["data"] == []
        for verb in ("cancel", "retry"):
            assert (await stranger.post(f"/api/v1/tasks/task-1/{verb}")).status_code == 404
    assert (await admin.post("/api/v1/tasks/task-1/retry")).status_code == 404, "it acts for its person alone"
    assert (await nobody.post("/api/v1/tasks/task-1/retry")).status_code == 401
    ended_ = await member.post("/api/v1/tasks/task-1/cancel")
    assert ended_.status_code == 409 and ended_.json()["code"] == "task_ended"
    unknown = await member.post("/api/v1/tasks/task-1/retry")
    assert unknown.status_code == 409 and unknown.json()["code"] == "unknown_kind"


async def test_old_tasks_give_way_when_the_cap_is_reached(tmp_path: Path) -> None:
    async with running_bear(tmp_path, tasks_max_bytes=100_000) as bear:
        await bear.person("ada", "admin")
        for number in range(20):
            values = {"owner_id": bear.ids["ada"], "key": f"task-{number}", "kind": "work", "status": "completed"}
            row = await bear.app.records.create(SYSTEM, "tasks", values)
            await bear.app.records.update(SYSTEM, "tasks", row["id"], {"result": "x" * 10_000})
        kept = await bear.app.records.find(SYSTEM, "tasks")
        assert 5 <= len(kept) <= 10 and kept[-1]["key"] == "task-19"


def _waits_again(attempts: int, row: dict[str, Any]) -> bool:
    return row["attempts"] == attempts and row["not_before"] is not None
