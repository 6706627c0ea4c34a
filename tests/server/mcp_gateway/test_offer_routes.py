"""Prompts and resources over REST: as their server wrote them, and only for who may use it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from tests_mcp_support import House
from tests_rich_support import ODD, add
from tests_wire_support import LEGACY, MODERN

from server.access.actor import SYSTEM

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_prompts_and_resources_are_listed_filled_in_and_read(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house, house.session("bob") as http:
        at = f"/api/v1/gateway/{await add(house, 'rich', era)}"
        [prompt] = (await http.get(f"{at}/prompts")).json()["data"]
        assert (prompt["name"], prompt["x-ours"]) == ("greet", ODD["x-ours"])
        found = (await http.get(f"{at}/resources")).json()["data"]
        assert [one["uri"] for one in found["resources"]] == ["note://rich/1", "note://both"]
        assert [one["uriTemplate"] for one in found["templates"]] == ["rich://things/{id}"]
        got = await http.post(f"{at}/prompts/get", json={"name": "greet", "arguments": {"who": "you"}})
        assert got.json()["data"]["result"]["messages"][0]["content"]["text"] == "Hello from rich"
        read = await http.post(f"{at}/resources/read", json={"uri": "rich://things/7"})
        assert read.json()["data"]["result"]["contents"][0]["text"] == "rich"
        await house.app.gateway.activity.log.flush()
        rows = (await http.get("/api/v1/tool_calls?sort=id")).json()["data"]
        told = [(row["server"], row["tool"], row["client"], row["outcome"]) for row in rows]
        assert told == [
            ("rich", "prompts/get greet", "REST", "ok"),
            ("rich", "resources/read rich://things/7", "REST", "ok"),
        ]


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_half_typed_argument_is_completed_by_its_server(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house, house.session("bob") as http:
        at = f"/api/v1/gateway/{await add(house, 'rich', era)}"
        await http.get(f"{at}/prompts")
        [server] = (await http.get("/api/v1/gateway")).json()["data"]["servers"]
        assert "completions" in server["capabilities"]
        wanted = {"prompt": "greet", "argument": "who", "value": "ri", "given": {"tone": "warm"}}
        result = (await http.post(f"{at}/complete", json=wanted)).json()["data"]["result"]
        assert result["completion"]["values"] == ["rich"]
        seen = result["_meta"]["ours/seen"]["params"]
        assert seen["ref"] == {"type": "ref/prompt", "name": "greet"}
        assert seen["argument"] == {"name": "who", "value": "ri"}
        assert seen["context"] == {"arguments": {"tone": "warm"}}
        wanted = {"template": "rich://things/{id}", "argument": "id"}
        seen = (await http.post(f"{at}/complete", json=wanted)).json()["data"]["result"]["_meta"]["ours/seen"]["params"]
        assert seen["ref"] == {"type": "ref/resource", "uri": "rich://things/{id}"}
        assert seen["argument"] == {"name": "id", "value": ""} and "context" not in seen
        for both in ({}, {"prompt": "greet", "template": "rich://things/{id}"}):
            refused = await http.post(f"{at}/complete", json={"argument": "who", **both})
            assert refused.status_code == 422 and "prompt" in refused.json()["fields"]


async def test_typing_is_no_call_but_has_a_limit_and_a_programs_completions_are_logged(make_house: MakeHouse) -> None:
    async with make_house() as house:
        limit = {"rate_per_minute": 1, "rate_burst": 2}
        at = f"/api/v1/gateway/{await add(house, 'rich', **limit)}"
        wanted = {"prompt": "greet", "argument": "who", "value": "ri"}
        async with house.session("bob") as http:
            told = [(await http.post(f"{at}/complete", json=wanted)).status_code for _ in range(3)]
            assert told == [200, 200, 429]
            # Calls are not used up by it, nor it by calls.
            greet = {"name": "greet", "arguments": {"who": "you"}}
            assert (await http.post(f"{at}/prompts/get", json=greet)).status_code == 200
        async with house.http("bob") as program:
            # Nor do programs use up calls by it, where a person may be typing as well.
            assert (await program.post(f"{at}/complete", json=wanted)).status_code == 429
            assert (await program.post(f"{at}/prompts/get", json=greet)).status_code == 200
            assert (await program.post(f"{at}/prompts/get", json=greet)).status_code == 429
        async with house.http("ann") as program:
            assert (await program.post(f"{at}/complete", json=wanted)).status_code == 200
        await house.app.gateway.activity.log.flush()
        rows = await house.app.records.find(SYSTEM, "tool_calls")
        assert [(row["tool"], row["outcome"]) for row in sorted(rows, key=lambda row: row["id"])] == [
            ("completion/complete", "refused"),
            ("prompts/get greet", "ok"),
            ("completion/complete", "refused"),
            ("prompts/get greet", "ok"),
            ("prompts/get greet", "refused"),
            ("completion/complete", "ok"),
        ]


async def test_what_is_wrong_is_said_and_what_is_hidden_is_not_there(make_house: MakeHouse) -> None:
    async with make_house() as house:
        seen = f"/api/v1/gateway/{await add(house, 'seen')}"
        hidden = f"/api/v1/gateway/{await add(house, 'hidden', visibility='admins')}"
        absent = "/api/v1/gateway/4711"
        for who in ("bob", "eve"):
            async with house.session(who) as http:
                for path in ("prompts", "resources"):
                    told, nothing = await http.get(f"{hidden}/{path}"), await http.get(f"{absent}/{path}")
                    assert told.status_code == nothing.status_code == 404
                    assert "hidden" not in told.text
                asked = {"prompt": "greet", "argument": "who"}
                requests = {
                    "prompts/get": {"name": "greet"},
                    "resources/read": {"uri": "note://both"},
                    "complete": asked,
                }
                for path, body in requests.items():
                    assert (await http.post(f"{hidden}/{path}", json=body)).status_code == 404
                    assert (await http.post(f"{seen}/{path}", json={})).status_code == 422
                    assert (await http.post(f"{seen}/{path}", json={**body, "more": 1})).status_code == 422
                wrong = await http.post(f"{seen}/prompts/get", json={"name": "greet", "arguments": {"who": 7}})
                assert wrong.status_code == 422 and "arguments.who" in wrong.json()["fields"]
        async with house.session("bob") as session:
            for scopes in (["api"], ["mcp"], ["api:read", "mcp"]):
                made = await session.post("/api/v1/api_tokens", json={"name": "narrow", "scopes": scopes})
                headers = {"authorization": f"Bearer {made.json()['data']['token']}"}
                async with house.http() as http:
                    for path, body in requests.items():
                        assert (await http.post(f"{seen}/{path}", json=body, headers=headers)).status_code == 403
        async with house.session("ann") as http:
            read = await http.post(f"{hidden}/resources/read", json={"uri": "note://both"})
            assert read.json()["data"]["result"]["contents"][0]["text"] == "hidden"
