"""What of /api/internal reaches into the server: secrets, results of tasks, plugins. Each deed is in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import SYSTEM, Actor
from server.errors import NotFound
from server.models.secret import NAME_PATTERN
from server.plugin_host.host import PluginHost
from server.records.notify import notify
from server.records.service import Records

TRUSTED = Actor(kind="internal", username="internal", role="admin")
"""Whoever holds the secret, as the audit log names them. It acts only where a route below says so."""
_SECRETS = "secrets"
_MOST_NAMES = 10_000

Name = Annotated[str, Path(pattern=f"^{NAME_PATTERN}$")]


class TaskResult(BaseModel):
    """A background task came to its end, and its person is to know."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task_id: str = Field(min_length=1, max_length=64, description="The task's key.")
    status: Literal["completed", "failed", "cancelled"]
    tool_name: str | None = Field(None, max_length=200, description="What it did; left out: the task's title.")
    duration: float | None = Field(None, ge=0, description="Seconds.")
    message: str | None = Field(None, max_length=10_000, description="What came of it, for the person.")


def trusted_router(records: Records, plugins: PluginHost, guard: Callable[..., None]) -> APIRouter:
    """Routes under /api/internal behind `guard`."""
    router = APIRouter(prefix="/api/internal", tags=["internal"], dependencies=[Depends(guard)])

    @router.get("/secrets", summary="Names of secrets that begin with a prefix")
    async def secret_names(prefix: Annotated[str, Query(max_length=100)] = "") -> dict[str, Any]:
        names = await _names(records, prefix)
        await records.note("secrets_listed", TRUSTED, about=prefix or None)
        return {"ok": True, "data": {"prefix": prefix, "keys": names}, "count": len(names)}

    @router.get("/secrets/{name}", summary="The value of a secret")
    async def secret_value(name: Name) -> dict[str, Any]:
        return {"ok": True, "data": {"key": name, "value": await _value(records, name)}}

    @router.post("/process-task-result", summary="Tell the person of a task that it has ended")
    async def process_task_result(body: TaskResult) -> dict[str, Any]:
        return {"ok": True, "data": {"notification": await _tell_result(records, body)}}

    @router.post("/plugins/{name}/reload", summary="Start a plugin again from its files as they are now")
    async def reload(name: str) -> dict[str, Any]:
        row = await plugins.reload(TRUSTED, name)
        return {"ok": True, "data": {key: row[key] for key in ("name", "version", "state", "error")}}

    return router


async def _names(records: Records, prefix: str) -> list[str]:
    names: list[str] = []
    last = 0
    while len(names) < _MOST_NAMES and (rows := await records.find(SYSTEM, _SECRETS, where={"id__gt": last})):
        names += [row["name"] for row in rows if row["name"].startswith(prefix)]
        last = int(rows[-1]["id"])
    return sorted(names)


async def _value(records: Records, name: str) -> str:
    row = records.look_up(SYSTEM, _SECRETS, "name", name)
    # A guess that misses is told as well.
    await records.note("secret_read", TRUSTED, about=name, detail=None if row else "there is no such secret")
    if row is None or row["value"] is None:
        raise NotFound(f"There is no secret {name!r}." if row is None else f"The secret {name!r} has no value.",
                       code="unknown_secret" if row is None else "empty_secret")  # fmt: skip
    return str(row["value"])


async def _tell_result(records: Records, result: TaskResult) -> int:
    found = await records.find(SYSTEM, "tasks", where={"key": result.task_id}, limit=1)
    person = records.look_up(SYSTEM, "users", "id", found[0]["owner_id"]) if found else None
    if person is None or not person["is_active"]:
        raise NotFound(f"There is no task {result.task_id!r} of anybody who is here.")
    what = result.tool_name or found[0]["title"] or found[0]["kind"]
    took = "" if result.duration is None else f" after {result.duration:.0f} s"
    values = {
        "title": f"{what}: {result.status}{took}"[:200],
        "severity": "success" if result.status == "completed" else "warning",
        "category": "task",
        "source": "internal",
        "action_url": "#/automations/tasks",
    }
    if result.message:
        values["message"] = result.message
    [notification] = await notify(records, values, username=person["username"])
    return notification
