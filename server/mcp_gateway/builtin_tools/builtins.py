"""The gateway's own tools: long calls as background tasks, and help."""

from __future__ import annotations

from typing import Any

import orjson

from server.access.actor import Actor
from server.errors import GridBearError
from server.mcp_gateway.failures import INVALID_PARAMS, CallFailed
from server.mcp_gateway.gateway import Gateway
from server.tasks.kinds import Kind, TaskFailed
from server.tasks.queue import Tasks
from server.tasks.report import Report

KIND = "mcp_tool"
STATES = ("queued", "running", "completed", "failed", "cancelled", "interrupted")


def _tool(
    name: str, description: str, properties: dict[str, Any], required: list[str], **hints: bool
) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema, "annotations": hints}


_TASK_ID = {"task_id": {"type": "string", "description": "As async_run_tool answered it."}}
TOOLS: dict[str, dict[str, Any]] = {
    tool["name"]: tool
    for tool in (
        _tool(
            "gridbear_help",
            "Lists the servers behind this gateway and how many tools each has; with a server's name, its tools.",
            {"server": {"type": "string"}},
            [],
            readOnlyHint=True,
        ),
        _tool(
            "async_run_tool",
            "Starts a tool in the background and answers with a task id at once. For calls that take long.",
            {
                "tool_name": {"type": "string", "description": "As tools/list shows it, such as time__get_time."},
                "arguments": {"type": "object", "description": "The tool's arguments."},
            },
            ["tool_name", "arguments"],
        ),
        _tool(
            "async_task_status",
            "State, progress and, once there is one, the whole result of a task of yours.",
            _TASK_ID,
            ["task_id"],
            readOnlyHint=True,
        ),
        _tool(
            "async_list_tasks",
            "Your tasks, newest first, without their results.",
            {"status": {"type": "string", "enum": list(STATES)}},
            [],
            readOnlyHint=True,
        ),
        _tool("async_cancel_task", "Ends a running task of yours.", _TASK_ID, ["task_id"]),
    )
}


class Builtins:
    """Runs the tools above for one person at a time; a background call passes the same checks as a direct one."""

    def __init__(self, gateway: Gateway, tasks: Tasks) -> None:
        self._gateway = gateway
        self._tasks = tasks
        tasks.register(Kind(KIND, self._run, at_once=20))

    async def call(self, actor: Actor, name: str, arguments: dict[str, Any] | None) -> dict[str, Any]:
        """The tool's result. Raises CallFailed for arguments that don't fit the schema."""
        given = arguments or {}
        _check(TOOLS[name], given)
        try:
            answer = await self._answer(actor, name, given)
        except GridBearError as error:
            return _result({"error": error.message, "code": error.code}, is_error=True)
        return _result(answer)

    async def _answer(self, actor: Actor, name: str, given: dict[str, Any]) -> dict[str, Any]:
        match name:
            case "async_run_tool":
                row = await self._tasks.submit(
                    actor, KIND, given["tool_name"], {"tool": given["tool_name"], "arguments": given["arguments"]}
                )
                return _task(row)
            case "async_task_status":
                row = await self._tasks.of(actor, given["task_id"])
                return {**_task(row), "result": row["result"], "error": row["error"]}
            case "async_list_tasks":
                return {"tasks": [_task(row) for row in await self._tasks.listed(actor, given.get("status"))]}
            case "async_cancel_task":
                return _task(await self._tasks.cancel(actor, given["task_id"]))
        return await self._help(actor, given.get("server"))

    async def _help(self, actor: Actor, server: str | None) -> dict[str, Any]:
        tools = await self._gateway.tools(actor, server)
        if server is not None:
            return {"server": server, "tools": [{**tool.summary(), "name": tool.public_name} for tool in tools]}
        counts = {upstream.config.name: 0 for upstream in self._gateway.visible(actor)}
        for tool in tools:
            counts[tool.server] = counts.get(tool.server, 0) + 1
        return {"servers": [{"name": name, "tools": count} for name, count in counts.items()]}

    async def _run(self, actor: Actor, given: dict[str, Any], report: Report) -> Any:
        async def progress(done: float, total: float | None, message: str | None) -> None:
            report.progress(done / total if total else None, message)

        try:
            return await self._gateway.call(actor, given["tool"], given["arguments"], progress=progress)
        except CallFailed as error:
            failure = {"code": error.code, "message": error.message, "data": error.data}
            raise TaskFailed(error.message, failure) from error


def _task(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_id": row["key"],
        "tool": row["title"],
        "status": row["status"],
        "progress": row["progress"],
        "created_at": row["created_at"],
        "finished_at": row["finished_at"],
    }


def _result(answer: dict[str, Any], *, is_error: bool = False) -> dict[str, Any]:
    content = [{"type": "text", "text": orjson.dumps(answer).decode()}]
    return {"content": content, "structuredContent": answer, "isError": is_error}


def _check(tool: dict[str, Any], given: dict[str, Any]) -> None:
    schema = tool["inputSchema"]
    kinds: dict[str, type] = {"string": str, "object": dict}
    for name in schema["required"]:
        if name not in given:
            raise CallFailed(INVALID_PARAMS, f"{tool['name']} needs the argument {name}.")
    for name, value in given.items():
        wanted = schema["properties"].get(name)
        if wanted is None:
            raise CallFailed(INVALID_PARAMS, f"{tool['name']} has no argument {name}.")
        if not isinstance(value, kinds[wanted["type"]]) or value not in wanted.get("enum", [value]):
            raise CallFailed(INVALID_PARAMS, f"{tool['name']}: {name} must be {wanted.get('enum', wanted['type'])}.")
