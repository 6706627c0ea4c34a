"""Calls over REST in which a server asks something: the person answers, and the call goes on, in either era."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
import pytest
from tests_mcp_support import House
from tests_rich_support import ODD, add
from tests_wire_support import LEGACY, MODERN

from server.access.actor import OWNER
from server.mcp_gateway.asked_calls import AskedCalls
from server.mcp_gateway.failures import CallFailed

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
CALL = "/api/v1/gateway/call"
ASK: dict[str, Any] = {"tool": "rich__ask", "takes_questions": True}
GIVEN = {"action": "accept", "content": {"name": "Ada"}}
eras = pytest.mark.parametrize("era", [MODERN, LEGACY])


async def asked(http: Any) -> tuple[str, dict[str, Any]]:
    """The call's address for answers, and its question."""
    answer = await http.post(CALL, json=ASK)
    assert answer.status_code == 200, answer.text
    told = answer.json()["data"]["asked"]
    [question] = told["questions"]
    return f"/api/v1/gateway/calls/{told['call']}", question


@eras
async def test_a_question_is_the_answer_and_its_answer_lets_the_call_go_on(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house, house.session("bob") as http:
        await add(house, "rich", era)
        at, question = await asked(http)
        assert question["method"] == "elicitation/create"
        assert question["params"]["message"] == "Who?" and question["params"]["x-ours"] == ODD["x-ours"]
        wrong = await http.post(f"{at}/answers", json={"answers": {"77": GIVEN}})
        assert wrong.status_code == 404, "what is not asked is not answered"
        done = await http.post(f"{at}/answers", json={"answers": {question["id"]: GIVEN}})
        said = orjson.loads(done.json()["data"]["result"]["content"][0]["text"])
        assert said == (GIVEN if era == LEGACY else [{"who": GIVEN}, "state of rich"])
        assert (await http.post(f"{at}/answers", json={"answers": {question["id"]: GIVEN}})).status_code == 404


@eras
async def test_who_does_not_take_questions_is_not_asked(make_house: MakeHouse, era: str) -> None:
    async with make_house() as house, house.session("bob") as http:
        await add(house, "rich", era)
        refused = await http.post(CALL, json={"tool": "rich__ask"})
        assert refused.status_code == 502 and "wanted to ask its client something" in refused.text
        plain = await http.post(CALL, json={"tool": "rich__touch", "takes_questions": True})
        assert plain.json()["data"]["result"]["content"], "a tool that asks nothing answers at once"


async def test_a_question_is_its_askers_alone_and_ends_with_the_call(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("bob") as http:
        await add(house, "rich", LEGACY)
        at, question = await asked(http)
        given = {"answers": {question["id"]: GIVEN}}
        for who in ("eve", "ann"):
            async with house.session(who) as other:
                for answer in (await other.post(f"{at}/answers", json=given), await other.delete(at)):
                    assert answer.status_code == 404 and "Who?" not in answer.text
        assert (await http.post(f"{at}/answers", json={"answers": {}})).status_code == 422
        assert (await http.post(f"{at}/answers", json={"answers": {question["id"]: "Ada"}})).status_code == 422
        assert (await http.delete(at)).status_code == 200
        while (await http.post(f"{at}/answers", json=given)).status_code != 404:
            await asyncio.sleep(0)
        # Nothing of it is left: the next call is asked anew.
        at, question = await asked(http)
        assert (await http.post(f"{at}/answers", json={"answers": {question["id"]: GIVEN}})).status_code == 200


async def test_who_signs_out_leaves_no_call_behind(make_house: MakeHouse) -> None:
    async with make_house() as house:
        await add(house, "rich", LEGACY)
        calls = house.app.gateway.asked_calls
        async with house.session("bob") as http:
            await asked(http)
            assert len(calls._running) == 1
            await http.post("/auth/logout")
        while calls._running:
            await asyncio.sleep(0)


async def test_a_question_that_nobody_answers_ends_its_call(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("bob") as http:
        await add(house, "rich", MODERN)
        calls = house.app.gateway.asked_calls
        calls._answer_seconds = 0.01
        answer = (await http.post(CALL, json=ASK)).json()
        while calls._running:
            await asyncio.sleep(0)
        if "data" not in answer:
            assert "nobody answered in 0.01 s" in answer["error"]
            return
        at = f"/api/v1/gateway/calls/{answer['data']['asked']['call']}"
        assert (await http.post(f"{at}/answers", json={"answers": {"1": GIVEN}})).status_code == 404


async def test_a_person_has_so_many_open_calls_and_the_oldest_makes_room(make_house: MakeHouse) -> None:
    async with make_house() as house, house.session("bob") as http:
        await add(house, "rich", MODERN)
        await http.post(CALL, json={"tool": "rich__touch"})
        wait = {"tool": "rich__wait", "arguments": {"until": "never"}, "takes_questions": True}
        working = asyncio.create_task(http.post(CALL, json=wait))
        while not house.app.gateway.asked_calls._running:
            await asyncio.sleep(0)
        first, question = await asked(http)
        for _ in range(16):
            last, _question = await asked(http)
        given = {"answers": {question["id"]: GIVEN}}
        assert (await http.post(f"{first}/answers", json=given)).status_code == 404
        assert (await http.post(f"{last}/answers", json=given)).status_code == 200
        assert not working.done(), "a call that asks nothing has nothing to do with it"
        working.cancel()


async def test_a_server_that_asks_a_thousand_things_at_once_asks_none(make_house: MakeHouse) -> None:
    question = {"method": "elicitation/create", "params": {"message": "Who?"}}

    async def make(caller: Any, name: str, arguments: Any, more: Any = None) -> dict[str, Any]:
        return {"resultType": "input_required", "inputRequests": {str(number): question for number in range(1000)}}

    async with make_house() as house:
        calls = AskedCalls(make, house.app.gateway.asked_calls._endings)
        with pytest.raises(CallFailed, match="more than 100 things at once"):
            await calls.begin(OWNER, "page", "rich__ask", {})
        assert not calls._running
