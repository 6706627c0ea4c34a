"""Tool calls in the background: one durable store for our own tools and for clients with the tasks extension."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from server.access.actor import Actor
from server.errors import Conflict, NotFound, ValidationFailed
from server.mcp_gateway.builtin_tools.definitions import PAGE_BYTES
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import INTERNAL_ERROR, INVALID_PARAMS, UPSTREAM_FAILED, CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.wire import storable
from server.models.base import Verb
from server.tasks.acting import kept
from server.tasks.kinds import Kind, TaskFailed
from server.tasks.looks import MODEL
from server.tasks.queue import Tasks
from server.tasks.report import Report
from server.tasks.task_rows import STOPPED

KIND = "mcp_tool"
EXTENSION = "io.modelcontextprotocol/tasks"
POLL_MS = 1000
"""How often a client should ask for a task that is still open."""
_AT_ONCE = 50
_PIECE_BYTES = 1 << 18
_INPUT = '{"tool": "server__tool", "arguments": {}}'
_STATES = {"queued": "working", "running": "working", "interrupted": "failed"}


class AsyncCalls:
    """Starts calls and tells of them. A call passes every check when it is asked for and again when it runs."""

    def __init__(self, gateway: Gateway, tasks: Tasks) -> None:
        self._gateway = gateway
        self._tasks = tasks
        tasks.register(Kind(KIND, self._run, at_once=_AT_ONCE, schedulable=f"Call a tool: {_INPUT}"))

    async def start(self, caller: Caller, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Store the call; it is durable when this returns. Raises CallFailed as the call itself would now."""
        await self._gateway.check(caller, name, arguments)
        return await self._tasks.submit(caller.actor, KIND, name, {"tool": name, "arguments": arguments})

    async def status(self, actor: Actor, key: str, page: int) -> dict[str, Any]:
        """The task with its result, or that page of it. Raises NotFound, ValidationFailed for a page beyond the end."""
        row = await self._row(actor, key, "read")
        answer = {**told(row), "error": row["error"], "error_details": row["failure"], "log": row["log"]}
        begin, part, size = (page - 1) * PAGE_BYTES, "", 0
        if row["status"] == "completed":
            part, size = await self._tasks.result_part(row, begin, begin + PAGE_BYTES)
        pages = max(1, -(-size // PAGE_BYTES))
        if page > pages:
            raise ValidationFailed.of("page", "too_large", f"the result has {pages} pages")
        if pages == 1:
            return {**answer, "result": orjson.loads(part) if part else None}
        return {**answer, "result_part": part, "page": page, "pages": pages, "result_bytes": size}

    async def listed(self, actor: Actor, status: str | None, limit: int, page: int) -> dict[str, Any]:
        """The person's calls, newest first; for a program that reads no tasks of theirs, its own."""
        program = kept(actor) if _is_limited(actor, "read") else None
        rows, count = await self._tasks.listed(
            actor, kind=KIND, status=status, limit=limit, offset=(page - 1) * limit, asked_by=program
        )
        return {"tasks": [told(row) for row in rows], "count": count}

    async def cancel(self, actor: Actor, key: str) -> dict[str, Any]:
        """End a call. Raises NotFound, Conflict when it has ended."""
        await self._row(actor, key, "update")
        return told(await self._tasks.cancel(actor, key))

    # For clients with the extension

    async def handle(self, actor: Actor, key: str) -> dict[str, Any]:
        """What tasks/get answers. Raises CallFailed for what is no task of theirs."""
        row = await self._of_extension(actor, key, "read")
        answer = _handle(row)
        if row["status"] == "completed":
            answer["result"] = await self._tasks.result(row)
        elif answer["status"] == "failed":
            failure = row["failure"] or {"code": INTERNAL_ERROR, "message": row["error"] or STOPPED}
            answer["error"] = {name: value for name, value in failure.items() if value is not None}
        return {**answer, "resultType": "complete"}

    async def large(self, actor: Actor, key: str) -> tuple[dict[str, Any], dict[str, Any], int] | None:
        """What tasks/get answers less its result, the task, and how long that is; None where it is not large.

        Such a look counts as one; whoever asks in another way after None is counted by that.
        """
        with contextlib.suppress(NotFound):
            row = await self._row(actor, key, "read")
            _part, size = await self._tasks.result_part(row, 0, 0)
            if row["status"] == "completed" and size > PAGE_BYTES and not self._gateway.limits.wait_own(actor):
                self._gateway.limits.count_own(actor)
                return {**_handle(row), "resultType": "complete"}, row, size
        return None

    async def pieces(self, row: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """The result of a task, as it is stored."""
        begin, size = 0, 1
        while begin < size:
            part, size = await self._tasks.result_part(row, begin, begin + _PIECE_BYTES)
            yield part.encode()
            begin += _PIECE_BYTES

    async def acknowledge_input(self, actor: Actor, key: str) -> None:
        """What tasks/update does here: no task of ours asks for anything, so every answer is one too many."""
        await self._of_extension(actor, key, "read")

    async def ask_to_end(self, actor: Actor, key: str) -> None:
        """What tasks/cancel does: ask; a task that has ended stays as it is. Raises CallFailed."""
        await self._of_extension(actor, key, "update")
        with contextlib.suppress(Conflict):
            await self._tasks.cancel(actor, key)

    async def _of_extension(self, actor: Actor, key: str, verb: Verb) -> dict[str, Any]:
        self._gateway.limits.count_own(actor)
        try:
            return await self._row(actor, key, verb)
        except NotFound as error:
            raise CallFailed(INVALID_PARAMS, error.message) from error

    async def _row(self, actor: Actor, key: str, verb: Verb) -> dict[str, Any]:
        program = kept(actor) if _is_limited(actor, verb) else None
        row = await self._tasks.of(actor, key, asked_by=program)
        if row["kind"] != KIND:
            raise NotFound(f"You have no task {key!r}.")
        return row

    async def _run(self, actor: Actor, given: Any, report: Report) -> Any:
        name, arguments = _wanted(given)

        async def progress(done: float, total: float | None, message: str | None) -> None:
            report.progress(done / total if total else None, message)
            if message:
                report.log(message)

        caller = Caller(actor=actor, progress=progress)
        try:
            result = await self._gateway.call(caller, name, arguments)
        except CallFailed as error:
            failure = storable({"code": error.code, "message": error.message, "data": error.data})
            raise TaskFailed(error.message, failure) from error
        if result.get("resultType") == "input_required":
            text = f"{name} asks its caller for something first: call it directly, not in the background."
            raise TaskFailed(text, {"code": UPSTREAM_FAILED, "message": text})
        stored = storable(result)
        if stored is not result:
            report.log("Characters and numbers of the result that no record takes were replaced.")
        return stored


def _wanted(given: Any) -> tuple[str, dict[str, Any]]:
    """The tool and its arguments, as a schedule may have them. Raises TaskFailed."""
    found = given if isinstance(given, dict) else {}
    name, arguments = found.get("tool"), found.get("arguments")
    if not isinstance(name, str) or not name:
        raise TaskFailed(f"tool: the name of a tool is wanted: {_INPUT}")
    if arguments is not None and not isinstance(arguments, dict):
        raise TaskFailed(f"arguments: an object is wanted: {_INPUT}")
    return name, arguments or {}


def _is_limited(actor: Actor, verb: Verb) -> bool:
    """Whether it is a program that is not let at the tasks of its person: it gets at those that it asked for itself.

    Others hold results of tools, and with them records, that it may be kept from.
    """
    return actor.kind != "user" and not actor.covers(verb, MODEL)


def created(row: dict[str, Any]) -> dict[str, Any]:
    """The CreateTaskResult of a call that was stored."""
    return {**_handle(row), "resultType": "task"}


def _handle(row: dict[str, Any]) -> dict[str, Any]:
    status = _STATES.get(row["status"], row["status"])
    answer = {
        "taskId": row["key"],
        "status": status,
        "createdAt": row["created_at"],
        "lastUpdatedAt": row["updated_at"],
        # It stays until the space for tasks (tasks_max_bytes) is full.
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }
    message = row["error"] if status == "failed" else row["message"]
    return {**answer, "statusMessage": message} if message else answer


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A stored call as our own tools tell of it."""
    shown = ("status", "progress", "message", "created_at", "started_at", "finished_at")
    return {"task_id": row["key"], "tool": row["title"], **{name: row[name] for name in shown}}
