"""Any rules, any tool over records: what it tells is what the REST API tells, and nothing of it was to be kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from server.access.actor import Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from tests.server.access.access_oracle import VERBS, Oracle, Rule
from tests.server.access.access_scene import FIELDS, ITEMS, PLACES, Scene
from tests.server.access.test_access_oracle import NEVER, all_values, open_values, oracle_of, rules
from tests.server.records.tests_world_support import profile, running_world

FAST, SLOW = 8, 60
TOOLS = {"list": "search", "read": "get", "create": "create", "update": "update", "delete": "delete"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with running_world(tmp_path_factory.mktemp("tools") / "data", mcp_rate_burst=1_000_000) as world:
        made = Scene(world)
        for model in (ITEMS, PLACES):
            world.good(made.admin, "POST", "record_tools", json={"model": model, "deleting": True})
        yield made


class Max:
    """The one who looks, by tools."""

    def __init__(self, scene: Scene, *scopes: str) -> None:
        self._scene = scene
        self._gateway = scene.world.bear.app.gateway.gateway
        self.actor = Actor(kind="token", user_id=scene.ids["max"], username="max", role="member",
                           scopes=frozenset((*scopes, "mcp")))  # fmt: skip

    def listed(self) -> dict[str, Any]:
        tools = self._scene.world.run(self._gateway.tools(self.actor))
        return {tool.name: tool.raw for tool in tools}

    def call(self, name: str, **given: Any) -> tuple[bool, dict[str, Any]]:
        """Whether it was good, and the answer; a tool that is not there answers with its refusal."""
        try:
            answer = self._scene.world.run(self._gateway.call(Caller(actor=self.actor), f"records__{name}", given))
        except CallFailed as error:
            return False, {"error": error.message}
        return not answer["isError"], answer["structuredContent"]


def check_lists(scene: Scene, oracle: Oracle, max_: Max, verbs: tuple[str, ...]) -> None:
    """A tool is there exactly for what is allowed, and names the fields that its verb may know alone."""
    listed = max_.listed()
    for model, fields in FIELDS.items():
        for verb in VERBS:
            right, tool = oracle.right(model, verb), listed.get(f"{TOOLS[verb]}_{model}")
            assert (tool is not None) == (verb in verbs and right.extent != "none"), (verb, model)
            if tool is not None and verb != "delete":
                named = set(re.findall(r"\w+", json.dumps(tool)))
                hidden = {it["name"] for it in fields if it["name"] in right.hidden}
                # The labels of these models are their names, and `body` and the rest are nobody else's words.
                assert not named & hidden - {"place", "label", "title"}, (verb, model)
                properties = tool["inputSchema"]["properties"]
                if verb in ("create", "update"):
                    assert not properties["values"]["properties"].keys() & hidden
                else:
                    assert not set(properties["fields"]["items"]["enum"]) & hidden


def check_answers(scene: Scene, oracle: Oracle, max_: Max, reader: Any) -> None:
    """Rows, counts and refusals are those of the REST API."""
    closed = all_values(scene) - open_values(scene, oracle)
    told: list[str] = []
    for model, fields in FIELDS.items():
        good, found = max_.call(f"search_{model}", limit=100)
        over_rest = scene.world.ask(reader, "GET", f"{model}?limit=100")
        assert good == (over_rest.status_code == 200)
        if good:
            assert (found["records"], found["count"]) == (over_rest.json()["data"], over_rest.json()["count"])
        told.append(json.dumps(found))
        for it in fields:
            name = it["name"]
            questions = ({"sort": f"-{name}", "limit": 1}, {"fields": [name]}, {"q": "secret"},
                         {"domain": [[name, "!=", None]]}, {"expand": [name]})  # fmt: skip
            told += [json.dumps(max_.call(f"search_{model}", **it)[1]) for it in questions]
        for row in (*scene.rows[model], *(scene.gone if model == ITEMS else ()), NEVER):
            good, found = max_.call(f"get_{model}", id=row)
            over_rest = scene.world.ask(reader, "GET", f"{model}/{row}")
            assert good == (over_rest.status_code == 200), (model, row)
            if good:
                assert (found["record"], found["etag"]) == (over_rest.json()["data"], over_rest.headers["etag"])
            told.append(json.dumps(found))
            for name in ("update", "delete"):
                # No etag is like this: nothing is ever changed by these.
                refused = max_.call(
                    f"{name}_{model}", id=row, etag="nope", **({"values": {}} if name[0] == "u" else {})
                )
                never = max_.call(
                    f"{name}_{model}", id=NEVER, etag="nope", **({"values": {}} if name[0] == "u" else {})
                )
                assert not refused[0]
                mine = scene.mine(scene.rows[model].get(row, {}))
                if row in scene.rows[model] and oracle.reaches(model, name, mine):
                    continue
                assert str(refused[1]).replace(str(row), str(NEVER)) == str(never[1])
                told.append(json.dumps(refused[1]))
    leaked = {value for text in told for value in re.findall(r"secret\d+x|77\d{6}", text) if value in closed}
    assert not leaked


def looked_at(scene: Scene, examples: int) -> None:
    @profile(examples)
    @given(rules())
    def look(made: list[Rule]) -> None:
        scene.put_in_force(made)
        oracle = oracle_of(made)
        for scope, client, verbs in (("api", scene.max, VERBS), ("api:read", scene.reader, VERBS[:2])):
            max_ = Max(scene, scope)
            check_lists(scene, oracle, max_, verbs)
            check_answers(scene, oracle, max_, client)
        assert not any(name.endswith((ITEMS, PLACES)) for name in Max(scene).listed())

    look()


def test_tools_over_records_leak_nothing_under_any_rules(scene: Scene) -> None:
    looked_at(scene, FAST)


@pytest.mark.slow
def test_tools_over_records_leak_nothing_under_many_rules(scene: Scene) -> None:
    looked_at(scene, SLOW)
