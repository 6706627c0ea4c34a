"""The server's own state, under /api/v1: what runs here, how the disk does, and what to do when it does badly."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server import __version__
from server.access.actor import Actor
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.config import Settings, SettingsHolder
from server.db.storage import State, Trouble
from server.errors import Conflict
from server.records.storage_watch import CheckState, FileCheck, StorageWatch
from server.records.times import now_text, to_text
from server.rest_api.gate import RestGate


class CheckShown(BaseModel):
    """The latest check of the whole database file."""

    state: CheckState
    at: str
    found: str = Field("", description="What is wrong.")


class LogShown(BaseModel):
    """One log-like model."""

    bytes: int
    cap: int


class SpaceShown(BaseModel):
    """Where the bytes are."""

    database_bytes: int
    wal_bytes: int = Field(description="Of the write-ahead log beside the database.")
    free_page_bytes: int = Field(description="Inside the database, given back to the disk when nothing else is to do.")
    logs: dict[str, LogShown]


class StorageShown(BaseModel):
    """What disk and file allow. `free_bytes`, `space` and `check` are for admins."""

    state: State
    since: str
    message: str = Field(description="What happened and what to do; empty when all is well.")
    trouble: Trouble | None = None
    free_bytes: int | None = None
    space: SpaceShown | None = None
    check: CheckShown | None = None


class SafeModeShown(BaseModel):
    """Whether this start left out plugins, MCP servers and schedules. `reason` is for admins."""

    on: bool
    reason: str = Field("", description="What had failed before.")


class ServerShown(BaseModel):
    """The server."""

    version: str
    started_at: str
    uptime_seconds: float
    address: str
    base_path: str
    lan: bool
    fingerprint: str | None = Field(description="SHA-256 of the certificate that the server shows; none without https.")
    platform: str
    safe_mode: SafeModeShown
    storage: StorageShown


def rest_router(
    gate: RestGate,
    settings: SettingsHolder,
    watch: StorageWatch,
    fingerprint: Callable[[], str | None],
    leave_safe_mode: Callable[[], None],
) -> APIRouter:
    """The router, without the records app."""
    router = APIRouter(prefix="/api/v1", tags=["server"])
    started_at, started = now_text(), time.monotonic()

    @router.get("/server", summary="State of this server")
    async def server(request: Request, response: Response) -> Answer[ServerShown]:
        actor = gate.enter_route(request, response)
        current = settings.current
        host = request.headers.get("host", "")
        shown = ServerShown(
            version=__version__,
            started_at=started_at,
            uptime_seconds=round(time.monotonic() - started, 3),
            address=f"{request.scope.get('scheme', 'http')}://{host}{current.base_path}",
            base_path=current.base_path,
            lan=not current.is_loopback,
            fingerprint=fingerprint(),
            platform=platform.system(),
            safe_mode=_safe_mode(current, actor),
            storage=_storage(watch, actor),
        )
        return Answer[ServerShown](data=shown)

    @router.post("/server/check-file", status_code=202, summary="Check the whole database file (admins)")
    async def check_file(request: Request, response: Response) -> Answer[StorageShown]:
        actor = _admin(gate.enter_route(request, response))
        watch.start_check()
        return Answer[StorageShown](data=_storage(watch, actor))

    @router.post("/server/go-on", summary="End the recovery mode after a check found the file whole (admins)")
    async def go_on(request: Request, response: Response) -> Answer[StorageShown]:
        actor = _admin(gate.enter_route(request, response))
        watch.go_on()
        return Answer[StorageShown](data=_storage(watch, actor))

    @router.post("/server/leave-safe-mode", status_code=202, summary="Start again with everything (admins)")
    async def leave(request: Request, response: Response) -> Answer[SafeModeShown]:
        actor = _admin(gate.enter_route(request, response))
        if not settings.current.safe_mode:
            raise Conflict("GridBear is not in safe mode.", code="not_in_safe_mode")
        leave_safe_mode()
        return Answer[SafeModeShown](data=_safe_mode(settings.current, actor))

    return router


def _admin(actor: Actor) -> Actor:
    return demand_admin(actor, "Only admins decide about the server and its file.")


def _safe_mode(settings: Settings, actor: Actor) -> SafeModeShown:
    told = settings.safe_mode and actor.is_admin
    return SafeModeShown(on=settings.safe_mode, reason=settings.safe_mode_reason if told else "")


def _storage(watch: StorageWatch, actor: Actor) -> StorageShown:
    condition = watch.storage.condition
    shown = StorageShown(
        state=condition.state,
        since=to_text(condition.since),
        message=condition.message,
        trouble=condition.trouble,
    )
    if actor.is_admin:
        shown.free_bytes = condition.free_bytes
        shown.space = SpaceShown.model_validate(watch.space())
        shown.check = _check(watch.last_check)
    return shown


def _check(check: FileCheck | None) -> CheckShown | None:
    return None if check is None else CheckShown(state=check.state, at=to_text(check.at), found=check.found)
