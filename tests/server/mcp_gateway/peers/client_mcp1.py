"""The 1.x line of the Python SDK as a client: `URL TOKEN CALLS`; prints the names of the tools and the answers."""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, token: str, calls: list) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answers = [(await session.call_tool(name, given)).model_dump(mode="json") for name, given in calls]
        print(json.dumps({"tools": tools, "answers": answers}))


asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
