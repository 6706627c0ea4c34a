"""Prompts, resources, changes and questions through the gateway: official SDKs on both sides, over stdio and HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import PromptsListChanged, ResourceUpdated
from mcp_types import ElicitResult, PromptReference, ReadResourceResult, TextContent, TextResourceContents
from tests_mcp_support import House, call_text
from tests_peers_support import free_port, listening, needs, served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MakeHouse = Callable[..., AbstractAsyncContextManager[House]]
HERE = Path(__file__).parent
FIXTURE = HERE / "conformance" / "fixture_server.py"
ERAS = ("2026-07-28", "legacy")


@contextlib.asynccontextmanager
async def gateway(make_house: MakeHouse) -> AsyncIterator[tuple[House, str]]:
    """One server over stdio, one of 2026-07-28 and one from before it over HTTP, and the gateway on a port."""
    modern, legacy = free_port(), free_port()
    async with contextlib.AsyncExitStack() as stack:
        for port, era in ((modern, []), (legacy, ["legacy"])):
            await stack.enter_async_context(listening([sys.executable, str(FIXTURE), str(port), *era], port))
        house = await stack.enter_async_context(make_house(port=(port := free_port())))
        own = str(HERE / "relay_upstream.py")
        await house.add("alpha", command=sys.executable, args=[own], visibility="everyone")
        await house.add("secret", command=sys.executable, args=[own], visibility="admins")
        for name, at in (("modern", modern), ("legacy", legacy)):
            await house.add(name, transport="http", url=f"http://127.0.0.1:{at}/mcp", visibility="everyone")
        yield house, await stack.enter_async_context(served(house.app, port))


@contextlib.asynccontextmanager
async def connected(house: House, url: str, who: str, era: str, **more: Any) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {house.tokens[who]}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=era, cache=None, **more) as client,
    ):
        yield client


@pytest.mark.parametrize("era", ERAS)
async def test_the_python_sdk_2_uses_all_that_is_relayed(make_house: MakeHouse, era: str) -> None:
    async with gateway(make_house) as (house, url), connected(house, url, "bob", era) as client:
        prompts = {one.name for one in (await client.list_prompts()).prompts}
        assert {"alpha__greet", "modern__test_simple_prompt", "legacy__test_simple_prompt"} <= prompts
        assert not any(name.startswith("secret") for name in prompts)
        greeting = await client.get_prompt("alpha__greet", {"who": "you"})
        assert greeting.messages[0].content == TextContent(text="Hello you")
        uris = {str(one.uri) for one in (await client.list_resources()).resources}
        assert {"note://one", "test://static-text"} <= uris
        assert _text(await client.read_resource("note://of/them")) == "of them"
        ref = PromptReference(type="ref/prompt", name="alpha__greet")
        assert (await client.complete(ref, {"name": "who", "value": "A"})).completion.values == ["Ada", "Alan"]
        with pytest.raises(MCPError):
            await client.get_prompt("secret__greet", {"who": "you"})


async def test_the_python_sdk_2_hears_of_what_it_listens_to(make_house: MakeHouse) -> None:
    async with gateway(make_house) as (house, url), connected(house, url, "bob", "2026-07-28") as client:
        await client.list_prompts()
        async with client.listen(prompts_list_changed=True, resource_subscriptions=["note://one"]) as told:
            await call_text(client, "alpha__change", {"text": "more"})
            async with asyncio.timeout(20):
                heard = [await anext(told), await anext(told)]
        assert {type(one) for one in heard} == {PromptsListChanged, ResourceUpdated}
        assert _text(await client.read_resource("note://one")) == "one more"


@pytest.mark.parametrize(
    ("era", "tool"),
    [("legacy", "legacy__test_elicitation"), ("2026-07-28", "modern__test_input_required_result_elicitation")],
)
async def test_the_python_sdk_2_is_asked_in_its_own_era(make_house: MakeHouse, era: str, tool: str) -> None:
    asked: list[str] = []

    async def answer(_context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"name": "Ada"})

    async with gateway(make_house) as (house, url):
        async with connected(house, url, "bob", era, elicitation_callback=answer) as client:
            given = {"message": "Who?"} if era == "legacy" else {}
            assert "Ada" in await call_text(client, tool, given)
            assert len(asked) == 1
        async with connected(house, url, "bob", ERAS[era != "legacy"], elicitation_callback=answer) as other:
            with pytest.raises(MCPError) as apart:
                await other.call_tool(tool, given)
            assert apart.value.code == -32007
            assert len(asked) == 1, "between the eras nobody is asked"


async def test_over_http_each_of_several_persons_is_asked_for_their_own_call(make_house: MakeHouse) -> None:
    both = asyncio.Barrier(2)

    def answering(who: str, seen: list[str]) -> Any:
        async def answer(_context: Any, params: Any) -> ElicitResult:
            seen.append(params.message)
            await both.wait()
            return ElicitResult(action="accept", content={"name": who})

        return answer

    async def one(house: House, url: str, who: str) -> str:
        seen: list[str] = []
        async with connected(house, url, who, "legacy", elicitation_callback=answering(who, seen)) as client:
            text = await call_text(client, "legacy__test_elicitation", {"message": f"for {who}"})
        assert seen == [f"for {who}"]
        return text

    async with gateway(make_house) as (house, url), asyncio.timeout(60):
        bob, eve = await asyncio.gather(one(house, url, "bob"), one(house, url, "eve"))
    assert "bob" in bob
    assert "eve" in eve


async def test_the_python_sdk_1_uses_all_that_is_relayed(make_house: MakeHouse) -> None:
    python = str(needs("mcp1") / "bin" / "python")
    async with gateway(make_house) as (house, url):
        script = [str(HERE / "peers" / "relay_mcp1.py"), url, house.tokens["bob"], "asks"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(python, *script, stdout=pipe, stderr=pipe)
        assert process.stdout is not None
        assert process.stderr is not None
        found = json.loads(await until_told(house, process))
    assert {"prompts", "resources", "completions", "logging", "tools"} <= set(found["capabilities"])
    assert found["capabilities"]["resources"] == {"subscribe": True, "listChanged": True}
    assert found["prompts"][0] == "alpha__greet"
    assert not any(name.startswith("secret") for name in found["prompts"])
    assert "note://one" in found["resources"]
    assert "note://of/{who}" in found["templates"]
    assert (found["prompt"], found["read"], found["completed"]) == ("Hello you", "of them", ["Ada", "Alan"])
    assert "asked: Who?" in found["asked"]


async def until_told(house: House, process: asyncio.subprocess.Process) -> str:
    """The client waits until it is told of changed tools: an admin adds servers until it was."""
    done = asyncio.create_task(process.communicate())
    number = 0
    async with asyncio.timeout(90):
        while not done.done():
            number += 1
            await house.add(f"more-{number}", visibility="everyone")
            await asyncio.wait({done}, timeout=1)
        out, err = await done
    assert process.returncode == 0, err.decode()[-3000:]
    return out.decode()


def _text(read: ReadResourceResult) -> str:
    """The text of the first part."""
    first = read.contents[0]
    assert isinstance(first, TextResourceContents)
    return first.text
