"""Who makes MCP servers: programs admins alone, by every door; people their own remote ones, if an admin lets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests_mcp_support import House, serving
from tests_wire_support import MODERN, Wire, message

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden, GridBearError
from server.mcp_gateway.upstreams import http_transport
from server.outbound import pinned_transport
from tests.conftest import PASSWORD, Bear

pytestmark = pytest.mark.anyio
SERVERS = "/api/v1/mcp_servers"
PROGRAM: dict[str, Any] = {"name": "evil", "transport": "stdio", "command": "sh", "args": ["-c", "id"]}


async def allow(bear: Bear, **settings: str) -> None:
    for name, value in {"mcp_own_servers": "true", **settings}.items():
        await bear.app.records.create(SYSTEM, "settings", {"name": name, "value": value})


def remote(bear: Bear, who: str = "max", **values: Any) -> dict[str, Any]:
    row = {"name": f"u{bear.ids[who]}-far", "transport": "http", "url": "https://mcp.example.com/mcp"}
    return {**row, **values}


async def every_door(client: httpx2.AsyncClient, row: dict[str, Any], number: int, gone: int) -> dict[str, int]:
    """The answers to attempts to make `row`, or to make it of server `number`, or to bring back `gone`."""
    changes = {name: value for name, value in row.items() if name != "name"}
    operation = {"verb": "create", "model": "mcp_servers", "values": row}
    change = {"verb": "update", "model": "mcp_servers", "id": number, "values": changes}
    csv = "name,transport,command\n" + f"{row['name']},{row['transport']},{row.get('command', '')}\n"
    answers = {
        "create": await client.post(SERVERS, json=row),
        "upsert": await client.post(f"{SERVERS}?upsert=name", json=row),
        "put": await client.put(f"{SERVERS}/{number}", json=row),
        "patch": await client.patch(f"{SERVERS}/{number}", json=changes),
        "bulk": await client.patch(f"{SERVERS}/bulk?enabled=true", json=changes),
        "batch": await client.post("/api/v1/batch", json={"operations": [operation]}),
        "batch change": await client.post("/api/v1/batch", json={"operations": [change]}),
        "csv": await client.post(f"{SERVERS}/import?format=csv", content=csv.encode(),
                                 headers={"content-type": "text/csv"}),
        "import of servers": await client.post("/api/v1/gateway/import", json={"text": "{}"}),
        "restore": await client.post(f"{SERVERS}/{gone}/restore"),
    }  # fmt: skip
    return {door: answer.status_code for door, answer in answers.items()}


async def test_while_no_admin_allows_it_nobody_else_knows_of_servers(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, guest_role: httpx2.AsyncClient
) -> None:
    number = (await admin.post(SERVERS, json={**PROGRAM, "name": "good"})).json()["data"]["id"]
    gone = (await admin.post(SERVERS, json={**PROGRAM, "name": "gone"})).json()["data"]["id"]
    await admin.delete(f"{SERVERS}/{gone}")
    for client in (member, guest_role):
        assert (await client.get(SERVERS)).status_code == 403
        for row in (PROGRAM, remote(bear)):
            found = await every_door(client, row, number, gone)
            assert set(found.values()) == {403}, found
    assert "mcp_servers" not in [one["name"] for one in (await member.get("/api/v1/models")).json()["data"]]


async def test_allowed_people_still_start_no_program_by_any_door(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await allow(bear)
    theirs = (await admin.post(SERVERS, json={**PROGRAM, "name": "good"})).json()["data"]["id"]
    gone = (await admin.post(SERVERS, json={**PROGRAM, "name": "gone"})).json()["data"]["id"]
    await admin.delete(f"{SERVERS}/{gone}")
    made = await member.post(SERVERS, json=remote(bear))
    assert made.status_code == 201, made.text
    mine = made.json()["data"]["id"]
    for name in ("evil", f"u{bear.ids['max']}-evil"):
        for number in (theirs, mine):
            found = await every_door(member, {**PROGRAM, "name": name, "url": None}, number, gone)
            assert all(400 <= status < 500 for status in found.values()), found
    for name in ("command", "args", "env", "cwd"):
        value: Any = {"command": "sh", "args": ["-c"], "env": {"A": "b"}, "cwd": "/"}[name]
        assert (await member.patch(f"{SERVERS}/{mine}", json={name: value})).status_code == 422, name
    rows = await bear.app.records.find(SYSTEM, "mcp_servers")
    assert {(row["name"], row["transport"], row["person_id"]) for row in rows} == {
        ("good", "stdio", None),
        (f"u{bear.ids['max']}-far", "http", bear.ids["max"]),
    }
    actor = Actor(kind="token", user_id=bear.ids["max"], username="max", role="member")
    # What plugins do for somebody passes here.
    with pytest.raises(GridBearError):
        await bear.app.records.create(actor, "mcp_servers", {**PROGRAM, "name": f"u{bear.ids['max']}-x"})


async def test_an_admin_who_is_one_no_more_brings_no_program_back(bear: Bear, admin: httpx2.AsyncClient) -> None:
    await allow(bear)
    second = await bear.person("zoe", "admin")
    number = (await second.post(SERVERS, json=PROGRAM)).json()["data"]["id"]
    await second.patch(f"{SERVERS}/{number}", json={"command": "true"})
    other = (await second.post(SERVERS, json={**PROGRAM, "name": "other"})).json()["data"]["id"]
    await second.delete(f"{SERVERS}/{other}")
    await bear.app.records.update(SYSTEM, "users", bear.ids["zoe"], {"role": "member"})
    demoted = await bear.person("zoe")
    assert (await demoted.get(SERVERS)).json()["data"] == []
    assert (await demoted.post(f"{SERVERS}/{other}/restore")).status_code == 404
    entries = await bear.app.records.find(SYSTEM, "history", where={"model": "mcp_servers"}, sort="id")
    for entry in entries:
        undone = await demoted.post("/api/v1/undo", json={"first": entry["id"], "last": entry["id"]})
        assert undone.status_code in (403, 404), undone.text
    [left] = await bear.app.records.find(SYSTEM, "mcp_servers")
    assert left["command"] == "true"


async def test_an_own_server_is_its_makers_alone(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient,
    guest_role: httpx2.AsyncClient,
) -> None:  # fmt: skip
    await allow(bear)
    made = (await member.post(SERVERS, json=remote(bear, headers={"Authorization": "Bearer very-private"}))).json()
    number, name = made["data"]["id"], made["data"]["name"]
    assert made["data"]["person_id"] == bear.ids["max"] and "very-private" not in str(made)
    for client in (other, guest_role):
        assert (await client.get(f"{SERVERS}/{number}")).status_code in (403, 404)
        assert (await client.delete(f"{SERVERS}/{number}")).status_code in (403, 404)
    # Neither visibility nor a rule opens it: its headers are somebody's own.
    assert (await member.patch(f"{SERVERS}/{number}", json={"visibility": "everyone"})).status_code == 422
    assert (await admin.patch(f"{SERVERS}/{number}", json={"visibility": "everyone"})).status_code == 422
    row = {"subject": "everyone", "server_id": number, "effect": "allow"}
    await bear.app.records.create(SYSTEM, "mcp_rules", row)
    for client in (other, guest_role, admin):
        answer = await Wire(client, MODERN, f"/mcp/{name}").ask("tools/list", {})
        assert answer.status_code == 404
        found = message(await Wire(client, MODERN).call(f"{name}__x"))
        assert found["error"]["message"] == f"Unknown tool: {name}__x"
    for client in (other, guest_role):
        assert name not in (await client.get("/api/v1/gateway")).text
    assert name in (await member.get("/api/v1/gateway")).text
    assert (await member.patch(f"{SERVERS}/{number}", json={"person_id": bear.ids["olga"]})).status_code == 422
    assert (await admin.patch(f"{SERVERS}/{number}", json={"person_id": None})).status_code == 422


async def test_names_of_own_servers_meet_no_others(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await allow(bear)
    assert (await admin.post(SERVERS, json={**PROGRAM, "name": "hidden"})).status_code == 201
    answers = [await member.post(SERVERS, json=remote(bear, name=name)) for name in ("hidden", "nothing")]
    told = [{**answer.json(), "request_id": ""} for answer in answers]
    assert answers[0].status_code == 422 and told[0] == told[1], "nobody learns which names there are"
    assert told[0]["fields"]["name"]["code"] == "own_prefix"
    theirs = remote(bear, name=f"u{bear.ids['ada']}-x")
    assert (await member.post(SERVERS, json=theirs)).json()["fields"]["name"]["code"] == "own_prefix"
    taken = await admin.post(SERVERS, json={**PROGRAM, "name": f"u{bear.ids['max']}-far"})
    assert taken.json()["fields"]["name"]["code"] == "reserved"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://mcp.example.com/mcp", "needs_https"),
        ("https://127.0.0.1/mcp", "private_address"),
        ("https://localhost/mcp", "private_address"),
        ("https://a.localhost/mcp", "private_address"),
        ("https://10.0.0.7:8443/mcp", "private_address"),
        ("https://169.254.169.254/latest", "private_address"),
        ("https://[::1]/mcp", "private_address"),
        ("https://[::ffff:127.0.0.1]/mcp", "private_address"),
        ("https://2130706433/mcp", "private_address"),
        ("http://listed.lan/mcp", None),
        ("http://192.168.7.7/mcp", None),
        ("https://mcp.example.com/mcp", None),
    ],
)
async def test_where_an_own_server_may_lie(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, url: str, code: str | None
) -> None:
    await allow(bear, mcp_own_server_hosts="listed.lan, 192.168.7.7")
    answer = await member.post(SERVERS, json=remote(bear, url=url))
    assert answer.status_code == (201 if code is None else 422), answer.text
    if code is not None:
        assert answer.json()["fields"]["url"]["code"] == code


async def test_the_secrets_of_admins_do_not_reach_an_own_server(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await allow(bear)
    headers = {"Authorization": "Bearer ${secret:weather}"}
    refused = await member.post(SERVERS, json=remote(bear, headers=headers))
    assert refused.status_code == 422 and refused.json()["fields"]["headers"]["code"] == "secret_not_here"


async def test_a_person_has_so_many_and_no_more(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, other: httpx2.AsyncClient
) -> None:
    await allow(bear, mcp_own_servers_per_person="2")
    made = [await member.post(SERVERS, json=remote(bear, name=f"u{bear.ids['max']}-{n}")) for n in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 409]
    assert made[2].json()["code"] == "too_many_own_servers"
    first = made[0].json()["data"]["id"]
    await member.delete(f"{SERVERS}/{first}")
    assert (await member.post(SERVERS, json=remote(bear))).status_code == 201
    assert (await member.post(f"{SERVERS}/{first}/restore")).status_code == 409
    assert (await other.post(SERVERS, json=remote(bear, "olga"))).status_code == 201
    assert (await admin.post(SERVERS, json={**PROGRAM, "name": "more"})).status_code == 201


MakeHouse = Callable[..., Any]


async def _bobs(house: House, url: str) -> tuple[int, dict[str, int]]:
    people = {row["username"]: row["id"] for row in await house.app.records.find(SYSTEM, "users")}
    async with house.http("bob") as http:
        row = {"name": f"u{people['bob']}-far", "transport": "http", "url": url}
        answer = await http.post(SERVERS, json=row)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"], people


async def test_an_own_server_works_where_an_admin_listed_its_host_and_no_longer_than_that(
    make_house: MakeHouse,
) -> None:
    async with make_house(mcp_tool_approval=False) as house, serving("http") as port, house.http("bob") as bob:
        records = house.app.records
        await records.create(SYSTEM, "settings", {"name": "mcp_own_servers", "value": "true"})
        hosts = await records.create(SYSTEM, "settings", {"name": "mcp_own_server_hosts", "value": "127.0.0.1"})
        number, people = await _bobs(house, f"http://127.0.0.1:{port}/mcp")
        name = f"u{people['bob']}-far"

        async def echo() -> dict[str, Any]:
            found: dict[str, Any] = message(await Wire(bob, MODERN).call(f"{name}__echo", {"text": "hi"}))
            return found

        assert (await echo())["result"]["content"][0]["text"] == "hi"
        async with house.http("ann") as ann:
            assert (
                "Unknown tool"
                in message(await Wire(ann, MODERN).call(f"{name}__echo", {"text": "hi"}))["error"]["message"]
            )
        switch = (await records.find(SYSTEM, "settings", where={"name": "mcp_own_servers"}))[0]["id"]
        await records.update(SYSTEM, "settings", switch, {"value": "false"})
        assert (await echo())["error"]["message"] == f"Unknown tool: {name}__echo"
        assert (await bob.get(SERVERS)).status_code == 403
        await records.update(SYSTEM, "settings", switch, {"value": "true"})
        await records.delete(SYSTEM, "settings", hosts["id"])
        await house.app.gateway.gateway._pool._reload(number)
        await bob.get(f"/api/v1/gateway/{number}/tools")
        assert "https is wanted" in (await echo())["error"]["message"]


async def test_a_name_that_leads_into_a_private_network_is_not_called(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leads_home(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    class Never(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            raise AssertionError(f"{request.url} was called")

    monkeypatch.setattr(pinned_transport, "places_of", leads_home)
    monkeypatch.setattr(http_transport._WatchedTransport, "handle_async_request", Never.handle_async_request)
    async with make_house(mcp_own_servers=True) as house, house.http("bob") as bob:
        number, people = await _bobs(house, "https://innocent.example/mcp")
        tools = await bob.get(f"/api/v1/gateway/{number}/tools")
        assert tools.status_code == 200 and tools.json()["data"] == []
        state = await house.state(f"u{people['bob']}-far", "bob")
        assert state["state"] == "failed" and "private network" in state["error"], state
        begun = await bob.post(f"/api/v1/gateway/{number}/sign-in")
        assert begun.status_code == 502 and "private network" in begun.json()["error"], begun.text


async def test_an_own_server_goes_with_its_person(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    await allow(bear)
    await member.post(SERVERS, json=remote(bear))
    left = await admin.post(f"/auth/users/{bear.ids['max']}/leave", json={"trash": True})
    assert left.status_code == 200, left.text
    assert await bear.app.records.find(SYSTEM, "mcp_servers") == []


async def test_a_member_may_not_widen_it_with_an_access_rule(
    bear: Bear, admin: httpx2.AsyncClient, member: httpx2.AsyncClient
) -> None:
    for verb, status in (("create", 422), ("update", 422), ("delete", 422), ("any", 201)):
        values = {"role": "member", "model": "mcp_servers", "verb": verb, "extent": "all"}
        assert (await admin.post("/api/v1/access_rules", json=values)).status_code == status
    actor = Actor(kind="user", user_id=bear.ids["max"], username="max", role="member")
    with pytest.raises(Forbidden):
        await bear.app.records.create(actor, "mcp_servers", PROGRAM)
    await allow(bear)
    number = (await admin.post(SERVERS, json={**PROGRAM, "name": "good"})).json()["data"]["id"]
    assert (await member.patch(f"{SERVERS}/{number}", json={"command": "sh"})).status_code in (403, 404)
    assert (await member.delete(f"{SERVERS}/{number}")).status_code in (403, 404)
    assert PASSWORD not in (await admin.get(SERVERS)).text
