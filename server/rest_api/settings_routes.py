"""/api/v1/server/settings and /server/restart: all settings with their help, limits and origin. For admins alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server.access.actor import Actor, Scope
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.records.service import Records
from server.records.setting_desk import Kind, SettingDesk
from server.rest_api.gate import RestGate

Value = bool | int | float | str | None


class SettingShown(BaseModel):
    """One setting. It is changed by its record: `POST /api/v1/settings?upsert=name`, and reset by deleting that."""

    name: str
    group: str = Field(description="What it belongs to: network, people, limits, …")
    help: str
    unit: str = Field(description="B, s, min, h, d, 1/s or 1/min; empty where there is none.")
    applies: Literal["live", "restart"] = Field(description="Whether a change applies at once or after a restart.")
    kind: Kind
    choices: list[str] = Field(description="With kind choice: what may be chosen.")
    minimum: float | None
    maximum: float | None
    above: float | None = Field(description="A value must be more than this.")
    secret: bool = Field(description="Its value is told to nobody.")
    default: Value
    value: Value = Field(description="What is in force.")
    wanted: Value = Field(description="What will be in force after a restart.")
    waits: bool = Field(description="Whether `wanted` waits for a restart.")
    source: Literal["command line", "environment", "settings", "default"] = Field(
        description="What decided it; the first of these that says anything."
    )
    environment: str = Field(description="The environment variable that sets it.")
    record_id: int | None = Field(description="Its record, where it was changed here.")
    changeable: bool = Field(description="Whether a settings record decides it.")


class RestartShown(BaseModel):
    """The server ends and begins again, which takes a moment."""

    restarting: Literal[True] = True


def settings_router(desk: SettingDesk, records: Records, gate: RestGate, restart: Callable[[], None]) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/server", tags=["server"])

    @router.get("/settings", summary="Every setting with help, default, value and origin (admins)")
    async def settings(request: Request, response: Response) -> Answer[list[SettingShown]]:
        actor = _admin(gate.enter_route(request, response), "api:read")
        return Answer[list[SettingShown]](data=[SettingShown.model_validate(one) for one in await desk.all(actor)])

    @router.post("/restart", status_code=202, summary="Start the server again (admins)")
    async def start_again(request: Request, response: Response) -> Answer[RestartShown]:
        actor = _admin(gate.enter_route(request, response), "api")
        await records.note("restart", actor)
        restart()
        return Answer[RestartShown](data=RestartShown())

    return router


def _admin(actor: Actor, scope: Scope) -> Actor:
    return demand_admin(actor, "Only admins decide how this server runs.", scope)
