"""The 1.x line of the Python SDK uses what is relayed beside tools: `URL TOKEN`; prints what it got."""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, token: str) -> None:
    heard: asyncio.Queue = asyncio.Queue()

    async def answer(_context: object, params: object) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": f"asked: {params.message}"})

    async def hear(message: object) -> None:
        if isinstance(message, types.ServerNotification):
            await heard.put(message.root.method)

    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write, elicitation_callback=answer, message_handler=hear) as session,
    ):
        began = await session.initialize()
        found = {"capabilities": began.capabilities.model_dump(exclude_none=True)}
        found["prompts"] = [one.name for one in (await session.list_prompts()).prompts]
        found["resources"] = [str(one.uri) for one in (await session.list_resources()).resources]
        found["templates"] = [one.uriTemplate for one in (await session.list_resource_templates()).resourceTemplates]
        got = await session.get_prompt(found["prompts"][0], {"who": "you"})
        found["prompt"] = got.messages[0].content.text
        found["read"] = (await session.read_resource("note://of/them")).contents[0].text
        ref = types.PromptReference(type="ref/prompt", name=found["prompts"][0])
        found["completed"] = (await session.complete(ref, {"name": "who", "value": "A"})).completion.values
        await session.set_logging_level("info")
        if "asks" in sys.argv:
            found["asked"] = (await session.call_tool("legacy__test_elicitation", {"message": "Who?"})).content[0].text
        added = False
        while not added:
            added = await asyncio.wait_for(heard.get(), 30) == "notifications/tools/list_changed"
        print(json.dumps(found))


asyncio.run(main(sys.argv[1], sys.argv[2]))
