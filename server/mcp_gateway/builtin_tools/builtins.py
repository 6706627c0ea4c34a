"""The gateway's own tools, for one person at a time: what they lead to passes the same checks as a direct call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.errors import GridBearError
from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.arguments import meant, problem
from server.mcp_gateway.builtin_tools.async_calls import EXTENSION, AsyncCalls, created, told
from server.mcp_gateway.builtin_tools.definitions import OWN_SERVER, TOOLS
from server.mcp_gateway.builtin_tools.discovery import Discovery
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.own_results import failure, refusal, result
from server.tasks.queue import Tasks

DISCOVERED = "execute_discovered_tool"


class Builtins:
    """Runs the tools of `TOOLS`."""

    def __init__(self, gateway: Gateway, tasks: Tasks, activity: Activity) -> None:
        self._gateway = gateway
        self._activity = activity
        self._discovery = Discovery(gateway)
        self.calls = AsyncCalls(gateway, tasks)

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: dict[str, Any] | None,
        meta: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The tool's result; wrong arguments are a result that says so. Raises CallFailed as a direct call would."""
        given = meant(TOOLS[name]["inputSchema"], arguments)
        if name == DISCOVERED:
            # The call that it makes is the one to be logged.
            return await self._run(caller, name, given, meta, more)
        with self._activity.watch(caller, name, arguments) as watched:
            watched.of(OWN_SERVER, name)
            self._gateway.limits.count_own(caller.actor)
            return watched.answered(await self._run(caller, name, given, meta, more))

    async def _run(
        self,
        caller: Caller,
        name: str,
        given: dict[str, Any],
        meta: Mapping[str, Any] | None,
        more: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        actor = caller.actor
        wrong = problem(TOOLS[name]["inputSchema"], given)
        if wrong is not None:
            return refusal(wrong)
        wanted = given.get("tool_name")
        if wanted in TOOLS:
            return refusal(f"{wanted} is a tool of the gateway itself: call it directly.")
        try:
            if name == DISCOVERED:
                return await self._gateway.call(caller, given["tool_name"], given.get("arguments"), meta, more)
            if name == "async_run_tool":
                row = await self.calls.start(caller, given["tool_name"], given.get("arguments") or {})
                # A client that knows the extension gets its handle of the task.
                return created(row) if caller.takes(EXTENSION) else result(told(row))
            return result(await self._answer(actor, name, given))
        except GridBearError as error:
            return failure(error)

    async def _answer(self, actor: Actor, name: str, given: dict[str, Any]) -> dict[str, Any]:
        match name:
            case "search_tools":
                return await self._discovery.search(actor, given["query"], given.get("limit", 5), given.get("server"))
            case "async_task_status":
                return await self.calls.status(actor, given["task_id"], given.get("page", 1))
            case "async_list_tasks":
                return await self.calls.listed(actor, given.get("status"), given.get("limit", 50), given.get("page", 1))
            case "async_cancel_task":
                return await self.calls.cancel(actor, given["task_id"])
        return await self._discovery.help(actor, given.get("server"))
