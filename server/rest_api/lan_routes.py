"""/api/v1/server/lan: whether other computers may come in, and how they find the server. For admins alone."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor, Scope
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.asgi.json_shape import read_shape, taken
from server.auth.lan import Encryption, Lan
from server.config import SettingsHolder
from server.rest_api.gate import RestGate


class MissingShown(BaseModel):
    """What has to be done first."""

    code: Literal["admin", "password", "set_elsewhere"]
    message: str


class FirewallShown(BaseModel):
    """How this system's firewall lets others in."""

    text: str
    command: str | None


class LanShown(BaseModel):
    """Sharing with other computers."""

    on: bool
    host: str = Field(description="Address that the server listens on.")
    port: int
    given_by: str | None = Field(description="What decides about it instead: command line or environment.")
    encryption: Literal["off", "self-made", "files"]
    fingerprint: str | None = Field(description="SHA-256 of the certificate.")
    address: str | None = Field(description="The address to give to others.")
    addresses: list[str]
    name: str | None = Field(description="The name that is announced by mDNS.")
    qr: list[str] | None = Field(description="`address` as a QR code: rows of 0 and 1.")
    missing: list[MissingShown] = Field(description="What has to be done before it can be switched on.")
    first_visitor_at: str | None = Field(description="The first request from another computer since the start.")
    firewall: FirewallShown


class SwitchLan(BaseModel):
    """What is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    on: bool
    encryption: Encryption = Field("self-made", description="With `on`: https with a certificate made here, or none.")


class SwitchedShown(BaseModel):
    """Where the server is on this computer once it has started again."""

    on: bool
    here: str


def lan_router(lan: Lan, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/server/lan", tags=["server"])

    @router.get("", summary="How other computers reach this server (admins)")
    async def state(request: Request, response: Response) -> Answer[LanShown]:
        _admin(gate.enter_route(request, response), "api:read")
        return Answer[LanShown](data=LanShown.model_validate(await lan.state()))

    @router.post(
        "",
        status_code=202,
        summary="Let other computers in, or not; the server starts again (admins)",
        openapi_extra=taken(SwitchLan),
    )
    async def switch(request: Request, response: Response) -> Answer[SwitchedShown]:
        actor = gate.enter_route(request, response)
        _admin(actor, "api")
        wanted = await read_shape(request, SwitchLan, settings.current.rest_body_bytes)
        here = await lan.switch_on(wanted.encryption) if wanted.on else lan.switch_off()
        detail = wanted.encryption if wanted.on else None
        await lan.note("lan_on" if wanted.on else "lan_off", actor, detail=detail)
        return Answer[SwitchedShown](data=SwitchedShown(on=wanted.on, here=here))

    return router


def _admin(actor: Actor, scope: Scope) -> None:
    demand_admin(actor, "Only admins decide who can reach this server.", scope)
