"""Finding tools: help, and search over what the caller may use."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from server.access.actor import Actor
from server.errors import NotFound
from server.mcp_gateway.builtin_tools.tool_index import ToolIndex
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.gateway import Gateway

_MOST_INDEXES = 16
_SHORT = 300
"""Characters of what a server says of itself, in the list of all; the whole stands beside its tools."""
_ABOUT = (
    "Tools are called by name, such as time__get_time: the server, two underscores, the tool. search_tools finds one, "
    "execute_discovered_tool runs it; async_run_tool runs it in the background. records__… are this person's own data."
)


class Discovery:
    """Keeps an index for each set of tools that somebody sees, and makes a new one only when the set changes."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._indexes: OrderedDict[tuple[int, ...], tuple[Sequence[Tool], asyncio.Future[ToolIndex]]] = OrderedDict()

    async def help(self, actor: Actor, server: str | None) -> dict[str, Any]:
        """The servers and how many tools each has, or the tools of one; with what they say of themselves.

        Raises NotFound.
        """
        tools = await self._gateway.tools(actor, server)
        whole = self._gateway.visible_whole(actor)
        told = {up.config.name: text for up in whole if (text := up.offered.instructions) is not None}
        if server is not None:
            if not tools and not self._gateway.serves(actor, server):
                raise NotFound(f"There is no MCP server {server!r}.")
            shown = [{**tool.summary(), "name": tool.public_name} for tool in tools]
            return {"server": server, **_instructions(told.get(server)), "tools": shown}
        counts = {upstream.config.name: 0 for upstream in self._gateway.visible(actor)}
        for tool in tools:
            counts[tool.server] = counts.get(tool.server, 0) + 1
        servers = [
            {"name": name, "tools": count, **_instructions(told.get(name), _SHORT)} for name, count in counts.items()
        ]
        return {"about": _ABOUT, "servers": servers}

    async def search(self, actor: Actor, query: str, limit: int, server: str | None) -> dict[str, Any]:
        """The best tools for a query, as they are listed."""
        tools = await self._gateway.tools(actor)
        index = await self._index(tools)
        return {"tools": [tool.as_listed(prefixed=True) for tool in index.search(query, limit, server)]}

    async def _index(self, tools: Sequence[Tool]) -> ToolIndex:
        # The tools are kept beside their index, so that no id is given to another one meanwhile.
        key = tuple(map(id, tools))
        known = self._indexes.get(key)
        if known is None:
            # Thousands of tools take a tenth of a second: never on the loop, and once for all who wait.
            making = asyncio.ensure_future(asyncio.to_thread(ToolIndex, tools))
            known = self._indexes[key] = (tools, making)
            if len(self._indexes) > _MOST_INDEXES:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(key)
        return await asyncio.shield(known[1])


def _instructions(text: str | None, most: int | None = None) -> dict[str, str]:
    if text is None:
        return {}
    return {"instructions": text if most is None or len(text) <= most else f"{text[: most - 1]}…"}
