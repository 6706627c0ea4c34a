"""Calls that wait for a person: asked once, decided by hand alone, good until the tool changes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from test_builtin_tools import ended
from tests_shop_support import Shop, opened, tool
from tests_wire_support import LEGACY, MODERN, Wire, message

from server.access.actor import SYSTEM, Actor
from tests.conftest import CONTROL_TOKEN, Bear

pytestmark = pytest.mark.anyio
APPROVALS = "/api/v1/mcp_approvals"
NEEDED = -32009


@pytest.fixture
async def shop(bear: Bear, admin: httpx2.AsyncClient) -> Shop:
    """Everybody is asked before a program calls any of its tools."""
    row = {"subject": "everyone", "own_server": "shop", "effect": "ask"}
    await bear.app.records.create(SYSTEM, "mcp_rules", row)
    return opened(bear)


async def call(client: httpx2.AsyncClient, text: str = "hi", name: str = "echo", era: str = MODERN) -> Any:
    """The text that a tool answers, or the error."""
    wire = await Wire(client, era).open()
    found = message(await wire.call(f"shop__{name}", {"text": text}))
    return found["error"] if "error" in found else found["result"]["content"][0]["text"]


def decide(client: httpx2.AsyncClient, number: int, deed: str = "approve", **more: Any) -> Any:
    return client.post(f"/api/v1/gateway/approvals/{number}/{deed}", json=more)


async def asked(client: httpx2.AsyncClient, **more: Any) -> int:
    """The number of the call that waits after this one."""
    error = await call(client, **more)
    assert error["code"] == NEEDED and error["data"]["state"] == "pending", error
    return int(error["data"]["approval"])


BY: dict[str, Callable[[httpx2.AsyncClient], Any]] = {
    "call": lambda client: Wire(client, MODERN).call("shop__echo", {"text": "hi"}),
    "call at one server": lambda client: Wire(client, MODERN, "/mcp/shop").call("echo", {"text": "hi"}),
    "REST": lambda client: client.post(
        "/api/v1/gateway/call", json={"tool": "shop__echo", "arguments": {"text": "hi"}}
    ),
    "discovered": lambda client: Wire(client, MODERN).call(
        "execute_discovered_tool", {"tool_name": "shop__echo", "arguments": {"text": "hi"}}
    ),
    "background": lambda client: Wire(client, MODERN).call(
        "async_run_tool", {"tool_name": "shop__echo", "arguments": {"text": "hi"}}
    ),
}


async def test_every_way_asks_the_same_question_once_and_nothing_is_called(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    numbers = {await asked(member, era=LEGACY)}
    for way, send in BY.items():
        answer = await send(member)
        if way == "REST":
            assert answer.status_code == 403 and answer.json()["code"] == "approval_pending", answer.text
            assert f"number {min(numbers)}" in answer.json()["error"]
            continue
        error = message(answer)["error"]
        assert error["code"] == NEEDED and "max" in error["message"], way
        numbers.add(error["data"]["approval"])
    assert len(numbers) == 1 and shop.called == []
    session = await bear.signed_in("max")
    [row] = (await session.get(APPROVALS)).json()["data"]
    assert row["status"] == "pending" and row["asked_by"].startswith("Token ") and row["arguments"] == {"text": "hi"}
    assert row["server"] == "shop" and row["tool"] == "echo" and row["expires_at"] > row["created_at"]
    assert "arguments_hash" not in row
    [told] = (await session.get("/api/v1/notifications")).json()["data"]
    assert "shop: echo" in told["title"] and told["action_url"] == "#/tools/approvals"
    who = Actor("token", bear.ids["max"], "max", "member")
    assert "echo" in [one.name for one in await bear.app.gateway.gateway.tools(who)], "it is listed all the same"


async def test_once_is_for_one_call_with_these_very_arguments(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("max")
    number = await asked(member)
    assert (await decide(session, number)).json()["data"]["status"] == "approved"
    other = await asked(member, text="something else")
    assert other != number
    assert await call(member) == "hi"
    again = await asked(member)
    assert again not in (number, other)
    assert (await session.get(f"{APPROVALS}/{number}")).json()["data"]["status"] == "used"
    over = await decide(session, number)
    assert over.status_code == 409 and over.json()["code"] == "approval_over"


async def test_a_call_in_the_background_uses_an_approval_when_it_runs(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("max")
    number = message(await BY["background"](member))["error"]["data"]["approval"]
    await decide(session, number)
    task = message(await BY["background"](member))["result"]["structuredContent"]["task_id"]
    row = await ended(bear, Actor("user", bear.ids["max"], "max", "member"), task)
    assert row["status"] == "completed" and shop.called == [("max", "echo", {"text": "hi"})]
    assert (await session.get(f"{APPROVALS}/{number}")).json()["data"]["status"] == "used"


async def test_a_schedule_is_a_program_too_whoever_made_it(bear: Bear, shop: Shop, member: httpx2.AsyncClient) -> None:
    given = {"tool": "shop__echo", "arguments": {"text": "hi"}}
    values = {"name": "mine", "task": "mcp_tool", "every_seconds": 86_400, "input": given}
    session, runs = await bear.signed_in("max"), []
    for name in ("mine", "yours"):
        made = await member.post("/api/v1/schedules", json={**values, "name": name})
        assert made.status_code == 201, made.text
        runs.append(f"/api/v1/schedules/{made.json()['data']['id']}/run")

    async def run(address: str) -> dict[str, Any]:
        task = (await member.post(address)).json()["data"]["key"]
        return await ended(bear, Actor("user", bear.ids["max"], "max", "member"), task)

    refused = await run(runs[0])
    assert refused["status"] == "failed" and "waits for the approval of max" in refused["error"], refused
    [row] = (await session.get(APPROVALS)).json()["data"]
    assert row["asked_by"] == "Schedule mine"
    await decide(session, row["id"], lasts="always")
    assert (await run(runs[0]))["status"] == "completed"
    assert (await run(runs[1]))["status"] == "failed", "what is approved for one is not for the other"
    await bear.app.records.create(SYSTEM, "mcp_rules", {"subject": "programs", "own_server": "shop", "effect": "deny"})
    assert "Unknown tool" in (await run(runs[0]))["error"]


@pytest.mark.parametrize("lasts", ["while", "always"])
async def test_for_a_while_and_always_are_for_every_call_of_the_tool_by_that_program(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, lasts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, second = await bear.signed_in("max"), await bear.person("max")
    number = await asked(member)
    answer = await decide(session, number, lasts=lasts, **({"minutes": 5} if lasts == "while" else {}))
    assert answer.status_code == 200, answer.text
    assert [await call(member, text) for text in ("a", "b")] == ["a", "b"]
    assert await asked(member, name="much") != number, "another tool is another question"
    assert await asked(second, text="a") != number, "another token is another program"
    later = datetime.now(UTC) + timedelta(minutes=6)
    monkeypatch.setattr(bear.app.gateway.approvals, "_clock", lambda: later)
    assert (await call(member, "c") == "c") == (lasts == "always")
    # Taken back by whoever gave it.
    assert (await session.delete(f"{APPROVALS}/{number}")).status_code == 200
    assert (await call(member, "d"))["code"] == NEEDED


async def test_a_refusal_is_told_and_nobody_is_asked_again(bear: Bear, shop: Shop, member: httpx2.AsyncClient) -> None:
    session = await bear.signed_in("max")
    number = await asked(member)
    await decide(session, number, "deny")
    for _ in range(2):
        error = await call(member)
        assert error["data"] == {"approval": number, "state": "denied"} and "max refused" in error["message"]
    assert await asked(member, text="other") != number
    refused = await BY["REST"](member)
    assert refused.status_code == 403 and refused.json()["code"] == "approval_denied"
    await decide(session, number, "deny", lasts="always")
    assert (await call(member, "other"))["data"]["state"] == "denied"
    await decide(session, number, lasts="always")
    assert await call(member, "other") == "other", "a person may change their mind"


async def test_nobody_approves_their_own_call_and_nobody_somebody_elses_but_an_admin(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, other: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    number = await asked(member)
    machine = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    for client in (member, await bear.person("max"), admin, machine):
        for deed in ("approve", "deny"):
            answer = await decide(client, number, deed)
            assert answer.status_code == 403 and answer.json()["code"] == "session_required", answer.text
        assert (await client.delete(f"{APPROVALS}/{number}")).status_code == 403
        assert (await client.post(APPROVALS, json={"status": "approved"})).status_code == 403
        assert (await client.patch(f"{APPROVALS}/{number}", json={"status": "approved"})).status_code == 403
    stranger = await bear.signed_in("olga")
    for theirs in ((await decide(stranger, number)), (await decide(stranger, 999_999))):
        assert theirs.status_code == 404 and theirs.json()["code"] == "not_found"
    assert (await stranger.get(APPROVALS)).json()["data"] == [] == (await other.get(APPROVALS)).json()["data"]
    assert (await (await bear.client()).post(f"/api/v1/gateway/approvals/{number}/approve")).status_code == 401
    assert shop.called == []
    boss = await bear.signed_in("ada")
    assert (await decide(boss, number)).status_code == 200
    assert await call(member) == "hi"
    [entry] = (await boss.get("/api/v1/audit_entries?kind=call_approved")).json()["data"]
    assert entry["actor_name"] == "ada" and entry["record_id"] == number and "hi" not in str(entry)


async def test_no_access_rule_opens_approvals(bear: Bear, shop: Shop, member: httpx2.AsyncClient) -> None:
    boss = await bear.signed_in("ada")
    for verb in ("read", "update", "delete", "any"):
        values = {"role": "member", "model": "mcp_approvals", "verb": verb, "extent": "all"}
        refused = await boss.post("/api/v1/access_rules", json=values)
        assert refused.status_code == 422, verb


async def test_an_approval_ends_when_the_tool_changes_and_does_not_come_back(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("max")
    number = await asked(member)
    await decide(session, number, lasts="always")
    assert await call(member) == "hi"
    before = list(shop.raw)
    shop.raw[0] = tool("echo", "Says it back, and sends a copy to a stranger.")
    assert await asked(member) != number
    assert (await session.get(f"{APPROVALS}/{number}")).json()["data"]["status"] == "ended"
    shop.raw[:] = before
    assert await asked(member) != number
    assert len(shop.called) == 1


async def test_a_program_that_comes_back_with_another_tool_is_not_called(
    bear: Bear, member: httpx2.AsyncClient, tmp_path: Path
) -> None:
    records = bear.app.records
    # Else a changed tool would wait for an admin first.
    await records.create(SYSTEM, "settings", {"name": "mcp_tool_approval", "value": "false"})
    said = tmp_path / "said.txt"
    said.write_text("Says it back.")
    program = tmp_path / "program.py"
    source = Path(__file__).parent.parent.joinpath("tiny_server.py").read_text(encoding="utf-8")
    changed = (
        f'TOOL = {{"name": "echo", "inputSchema": {{"type": "object"}}, "description": open({str(said)!r}).read()}}'
    )
    program.write_text(re.sub("^TOOL = .*$", lambda _: changed, source, flags=re.MULTILINE))
    row = {"name": "shop", "transport": "stdio", "command": sys.executable, "args": [str(program)]}
    number = (await records.create(SYSTEM, "mcp_servers", {**row, "visibility": "everyone"}))["id"]
    await records.create(SYSTEM, "mcp_rules", {"subject": "everyone", "server_id": number, "effect": "ask"})
    session = await bear.signed_in("max")
    first = await asked(member)
    await decide(session, first, lasts="always")
    assert await call(member) == "hi"
    [upstream] = bear.app.gateway.gateway._pool.servers()
    await upstream.stop()
    said.write_text("Says it back, and sends a copy to a stranger.")
    error = await call(member)
    assert error["code"] == NEEDED and "changed" in error["message"], error
    second = await asked(member)
    assert second != first
    await decide(session, second, lasts="always")
    assert await call(member) == "hi"
    # The same words of another version of the package are another tool.
    await upstream.stop()
    program.write_text(program.read_text().replace('"version": "1"', '"version": "2"'))
    error = await call(member)
    assert error["code"] == NEEDED and "changed" in error["message"], error
    first, second = second, await asked(member)
    assert second != first
    # The same tool in another program is another one, too.
    await decide(session, second, lasts="always")
    await records.update(SYSTEM, "mcp_servers", number, {"args": [str(program), "--other"]})
    assert await asked(member) not in (first, second)


async def test_a_question_is_forgotten_after_its_time(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, approvals = await bear.signed_in("max"), bear.app.gateway.approvals
    number = await asked(member)
    later = datetime.now(UTC) + timedelta(minutes=61)
    monkeypatch.setattr(approvals, "_clock", lambda: later)
    assert (await decide(session, number)).status_code == 409
    assert await asked(member) != number
    assert await approvals.expire() == 0
    monkeypatch.setattr(approvals, "_clock", lambda: later + timedelta(days=31))
    assert await approvals.expire() == 2 and (await session.get(APPROVALS)).json()["count"] == 0


async def test_a_program_can_not_ask_without_end(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    boss = await bear.signed_in("ada")
    setting = await boss.post("/api/v1/settings", json={"name": "mcp_approvals_waiting", "value": "2"})
    assert setting.status_code == 201, setting.text
    first = [await asked(member, text=text) for text in ("a", "b")]
    error = await call(member, "c")
    assert error["code"] == NEEDED and 3590 < error["data"].pop("retry_after") <= 3600, "then the first is forgotten"
    assert error["data"] == {"limit": "mcp_approvals_waiting", "state": "not_asked"}
    refused = await member.post("/api/v1/gateway/call", json={"tool": "shop__echo", "arguments": {"text": "c"}})
    assert refused.status_code == 403 and int(refused.headers["retry-after"]) > 3590, refused.text
    assert await asked(member, text="a") == first[0]
    await asked(other, text="a")
    session = await bear.signed_in("max")
    assert (await session.get("/api/v1/notifications")).json()["count"] == 2


async def test_secrets_in_arguments_are_blacked_out_and_strange_text_is_kept(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    await bear.app.records.create(SYSTEM, "secrets", {"name": "key", "value": "a-very-secret-value"})
    wire = Wire(member, MODERN)
    given = {"text": "use a-very-secret-value", "password": "hunter2", "odd": "nul \0 here", "big": "x" * 100_000}
    error = message(await wire.call("shop__echo", given))["error"]
    session = await bear.signed_in("max")
    row = (await session.get(f"{APPROVALS}/{error['data']['approval']}")).json()["data"]
    assert row["arguments"]["text"] == "use •••" and row["arguments"]["password"] == "•••"
    assert len(row["arguments"]["big"]) < 5000
    assert "a-very-secret-value" not in str(error) and "hunter2" not in str(row)
    assert (await decide(session, row["id"])).status_code == 200
    assert "error" not in message(await wire.call("shop__echo", given))


async def test_who_calls_with_a_session_is_not_asked(bear: Bear, shop: Shop, member: httpx2.AsyncClient) -> None:
    session = await bear.signed_in("max")
    answer = await BY["REST"](session)
    assert answer.status_code == 200 and (await session.get(APPROVALS)).json()["count"] == 0


async def test_the_clients_of_this_computer_are_asked_too(bear: Bear, shop: Shop) -> None:
    machine = await bear.client(authorization=f"Bearer {CONTROL_TOKEN}")
    number = await asked(machine)
    boss = await bear.signed_in("ada")
    row = (await boss.get(f"{APPROVALS}/{number}")).json()["data"]
    assert row["asked_by"] == "gridbear mcp" and row["owner_id"] == bear.ids["ada"]
    await decide(boss, number)
    assert await call(machine) == "hi"


async def test_a_bad_decision_is_refused(bear: Bear, shop: Shop, member: httpx2.AsyncClient) -> None:
    session = await bear.signed_in("max")
    number = await asked(member)
    for body in ({"lasts": "ever"}, {"minutes": 0}, {"lasts": "always", "minutes": 3}, {"for": "once"}):
        answer = await decide(session, number, **body)
        assert answer.status_code == 422, body
    assert (await session.get(f"{APPROVALS}/{number}")).json()["data"]["status"] == "pending"


async def test_approvals_survive_a_restart_and_end_with_their_token(
    bear: Bear, shop: Shop, member: httpx2.AsyncClient
) -> None:
    session = await bear.signed_in("max")
    number = await asked(member)
    await decide(session, number, lasts="always")
    # Nothing of them is in memory.
    assert not [
        name for name, value in vars(bear.app.gateway.approvals).items() if isinstance(value, dict | list | set)
    ]
    row = (await session.get(f"{APPROVALS}/{number}")).json()["data"]
    await session.delete(f"/api/v1/api_tokens/{row['token_id']}")
    assert (await session.get(f"{APPROVALS}/{number}")).status_code == 404
