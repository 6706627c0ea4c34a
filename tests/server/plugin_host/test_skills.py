"""Skills of plugins: texts that AI clients get as prompts and resources, as far as rules let them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.access.actor import SYSTEM
from tests.conftest import Bear
from tests.server.mcp_gateway.tests_wire_support import LEGACY, MODERN, Wire, message
from tests.server.plugin_host.tests_plugin_support import on, state, switch, write

pytestmark = pytest.mark.anyio
ASK = {"name": "ask", "file": "ask.md", "title": "Ask for the weather", "description": "Before every trip."}
ASK_URI = "skill://weather/ask"
TEXT = "# Ask\n\nSay the city \N{EN DASH} and the day.\n"
TOOLS = '''
from server.plugin_api import tool

@tool()
async def forecast(city: str) -> str:
    """The weather."""
    return city
'''


def weather(folder: Path, *skills: dict[str, str], files: dict[str, str] | None = None, **more: Any) -> None:
    (folder / "weather" / "skills").mkdir(parents=True, exist_ok=True)
    given = {"permissions": ["mcp_tools"], **more}
    write(
        folder,
        "weather",
        files={"skills/ask.md": TEXT, "tools.py": TOOLS, **(files or {})},
        context_skills=list(skills or (ASK,)),
        **given,
    )


async def result(wire: Wire, method: str, **params: Any) -> dict[str, Any]:
    answer = message(await wire.ask(method, params))
    assert "result" in answer, answer
    found: dict[str, Any] = answer["result"]
    return found


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_skill_is_a_prompt_and_a_resource_of_its_plugin(
    era: str, house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder)
    await on(ada, "weather", "mcp_tools")
    max_ = await house.person("max")
    for path, name in (("/mcp", "weather__ask"), ("/mcp/weather", "ask")):
        wire = await Wire(max_, era, path).open()
        [prompt] = (await result(wire, "prompts/list"))["prompts"]
        assert prompt == {"name": name, "title": "Ask for the weather", "description": "Before every trip."}
        got = await result(wire, "prompts/get", name=name)
        assert got["messages"] == [{"role": "user", "content": {"type": "text", "text": TEXT}}]
        [resource] = (await result(wire, "resources/list"))["resources"]
        assert (resource["uri"], resource["mimeType"]) == ("skill://weather/ask", "text/markdown")
        read = await result(wire, "resources/read", uri="skill://weather/ask")
        assert read["contents"] == [{"uri": "skill://weather/ask", "mimeType": "text/markdown", "text": TEXT}]
        assert (await result(wire, "resources/templates/list"))["resourceTemplates"] == []
        for method, params in (
            ("prompts/get", {"name": "weather__other"}), ("resources/read", {"uri": "skill://weather/other"})
        ):  # fmt: skip
            assert "error" in message(await wire.ask(method, params))


async def test_a_skill_goes_with_its_plugin_and_is_nothing_for_whom_a_rule_keeps_out(
    house: Bear, ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder)
    await on(ada, "weather", "mcp_tools")
    max_, nobody = await house.person("max"), await house.client()
    narrow = await house.person("max", scopes=["mcp:records"])
    rule = {"subject": "role", "role": "guest", "own_server": "weather", "effect": "deny"}
    await house.app.records.create(SYSTEM, "mcp_rules", rule)
    gus = await house.person("gus", "guest")
    for client in (narrow, gus):
        wire = Wire(client, MODERN)
        assert (await result(wire, "prompts/list"))["prompts"] == []
        assert (await result(wire, "resources/list"))["resources"] == []
        assert TEXT[:5] not in (await wire.ask("resources/read", {"uri": "skill://weather/ask"})).text
        assert TEXT[:5] not in (await wire.ask("prompts/get", {"name": "weather__ask"})).text
    assert (await Wire(nobody, MODERN).ask("prompts/list", {})).status_code == 401
    wire = Wire(max_, MODERN)
    assert len((await result(wire, "prompts/list"))["prompts"]) == 1
    await switch(ada, "weather", "disable")
    assert (await result(wire, "prompts/list"))["prompts"] == []
    assert "error" in (await wire.ask("resources/read", {"uri": "skill://weather/ask"})).json()


@pytest.mark.parametrize(
    ("skills", "more", "reason"),
    [
        ([{"name": "ask", "file": "gone.md"}], {}, "skills/gone.md can't be read"),
        ([{"name": "ask", "file": "empty.md"}], {"files": {"skills/empty.md": " "}}, "with some text"),
        ([ASK], {"permissions": []}, '"permissions": ["mcp_tools"]'),
        ([{"name": "ask", "file": "../models.md"}], {}, "context_skills.0.file"),
        ([{"name": "Ask me", "file": "ask.md"}], {}, "context_skills.0.name"),
        ([ASK, ASK], {}, "two skills are named ask"),
    ],
)
async def test_a_skill_that_can_not_be_read_keeps_its_plugin_out_and_says_why(
    skills: list[dict[str, str]], more: dict[str, Any], reason: str, ada: httpx2.AsyncClient, folder: Path
) -> None:
    weather(folder, *skills, **more)
    (folder / "weather" / "tools.py").unlink()
    wanted = more.get("permissions", ["mcp_tools"])
    answer = await switch(ada, "weather", "enable", permissions=wanted)
    told = (await state(ada, "weather"))["error"] or answer.text
    assert reason in told.replace('\\"', '"'), told


async def test_a_link_is_no_skill(ada: httpx2.AsyncClient, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "private.md").write_text("private")
    weather(folder)
    (folder / "weather" / "skills" / "ask.md").unlink()
    (folder / "weather" / "skills" / "ask.md").symlink_to(tmp_path / "private.md")
    await on(ada, "weather", "mcp_tools")
    row = await state(ada, "weather")
    assert row["state"] == "failed" and "is a link" in row["error"]


async def test_a_skill_waits_for_approval_where_a_rule_asks(house: Bear, ada: httpx2.AsyncClient, folder: Path) -> None:
    weather(folder)
    await on(ada, "weather", "mcp_tools")
    rule = {"subject": "everyone", "own_server": "weather", "effect": "ask"}
    await house.app.records.create(SYSTEM, "mcp_rules", rule)
    wire = Wire(await house.person("max"), MODERN)
    for method, params in (("prompts/get", {"name": "weather__ask"}), ("resources/read", {"uri": ASK_URI})):
        answer = message(await wire.ask(method, params))
        assert "approv" in str(answer["error"]) and TEXT[:5] not in str(answer), answer
