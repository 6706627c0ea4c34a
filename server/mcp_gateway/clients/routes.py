"""/api/v1/gateway/clients: AI clients of the server's own computer. For admins on that computer alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server.access.actor import SYSTEM, Actor, Scope
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.auth.authenticate import from_loopback
from server.config import SettingsHolder
from server.errors import Forbidden, NotFound
from server.mcp_gateway.clients.bundle import FILE_NAME, bundle
from server.mcp_gateway.clients.connections import Connections
from server.records.service import Records

_FILE = {"schema": {"type": "string", "format": "binary"}}


class ClientShown(BaseModel):
    """One client."""

    client: str
    label: str
    path: str
    exists: bool = Field(description="Whether its configuration is there.")
    connected: bool
    lost: bool = Field(description="We wrote our entry, and it is gone, or the program in it is: connect it again.")
    problem: str | None = Field(description="Why its configuration can't be read.")


class ChangeShown(BaseModel):
    """What was, or with `dry_run` would be, changed in a client's file."""

    client: str
    path: str
    changed: bool
    diff: str
    copy_: str | None = Field(alias="copy", description="The file as it was before.")
    running: bool = Field(description="It runs now, and may write its own file over this one.")


def clients_router(
    records: Records, settings: SettingsHolder, enter: Callable[[Request, Response], Actor]
) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/gateway/clients", tags=["gateway"])

    def entered(request: Request, response: Response, scope: Scope) -> Connections:
        actor = enter(request, response)
        demand_admin(actor, "Only admins connect AI clients.", scope)
        if not from_loopback(request.scope):
            raise Forbidden("This is about programs of the server's own computer: do it there.", code="loopback_only")
        return Connections(settings.current.data_dir)

    @router.get("", summary="AI clients of this computer, and whether they know GridBear (admins, on it)")
    async def listed(request: Request, response: Response) -> Answer[list[ClientShown]]:
        found = await asyncio.to_thread(entered(request, response, "api:read").listed)
        return Answer[list[ClientShown]](data=[ClientShown.model_validate(one) for one in found])

    @router.get(
        "/claude-desktop/bundle",
        summary="A .mcpb that installs GridBear in Claude Desktop (admins, on this computer)",
        response_class=Response,
        responses={200: {"content": {"application/zip": _FILE}, "description": "The bundle"}},
    )
    async def claude_desktop_bundle(request: Request, response: Response) -> Response:
        made = await asyncio.to_thread(bundle, entered(request, response, "api:read").data_dir)
        headers = {
            "content-disposition": f'attachment; filename="{FILE_NAME}"',
            "cache-control": "no-store",
            "ratelimit": response.headers["ratelimit"],
        }
        return Response(made, media_type="application/zip", headers=headers)

    async def changed(connections: Connections, client: str, remove: bool, dry_run: bool) -> Answer[ChangeShown]:
        former = connections.token_of(client)
        done = await asyncio.to_thread(connections.apply, client, remove=remove, dry_run=dry_run)
        if former is not None and not dry_run:
            # The token of an entry lives as long as the entry does; somebody may have deleted it by hand.
            with contextlib.suppress(NotFound):
                await records.delete(SYSTEM, "api_tokens", former)
        return Answer[ChangeShown](data=ChangeShown.model_validate(done))

    @router.post("/{client}/connect", summary="Write GridBear into a client's configuration (admins, on this computer)")
    async def connect(client: str, request: Request, response: Response, dry_run: bool = False) -> Answer[ChangeShown]:
        return await changed(entered(request, response, "api"), client, False, dry_run)

    @router.post("/{client}/disconnect", summary="Take GridBear out of it again (admins, on this computer)")
    async def disconnect(
        client: str, request: Request, response: Response, dry_run: bool = False
    ) -> Answer[ChangeShown]:
        return await changed(entered(request, response, "api"), client, True, dry_run)

    return router
