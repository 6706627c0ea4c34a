"""/api/v1/gateway/import: MCP servers from the files of AI clients, or from pasted text. For admins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor, Scope
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.asgi.json_shape import read_shape, taken
from server.auth.authenticate import from_loopback
from server.config import SettingsHolder
from server.errors import Forbidden, ValidationFailed
from server.mcp_gateway.importing.server_import import ServerImport, Wishes
from server.mcp_gateway.importing.shown import ImportShown, shown
from server.mcp_gateway.importing.sources import Source, listed, text_of

_HERE = "This is about programs of the server's own computer: do it there."


class ImportWanted(BaseModel):
    """A text, or a client of this computer whose file is read."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, description="JSON (comments are fine) or TOML, as clients have it.")
    source: str | None = Field(None, max_length=40, description="In place of `text`: a client such as `cursor`.")
    names: dict[str, str] | None = Field(
        None, description="Which servers, by their key in the preview, and under which name; without it all `ready`."
    )
    values: dict[str, str] = Field(default_factory=dict, description="Values that the preview says it `needs`, by key.")
    look_up: bool = Field(False, description="Ask npm and uv for versions that no cache on this disk tells.")
    enabled: bool = Field(True, description="False: switch all of them off; nothing starts before you switch it on.")


def import_router(
    imports: ServerImport, settings: SettingsHolder, enter: Callable[[Request, Response], Actor]
) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/gateway/import", tags=["gateway"])

    def entered(request: Request, response: Response, scope: Scope) -> Actor:
        actor = enter(request, response)
        return demand_admin(actor, "Only admins import MCP servers: they start programs on this computer.", scope)

    @router.get("/sources", summary="AI clients of this computer that have MCP servers (admins, on it)")
    async def sources(request: Request, response: Response) -> Answer[list[Source]]:
        entered(request, response, "api:read")
        _want_here(request)
        return Answer[list[Source]](data=await asyncio.to_thread(listed))

    @router.post(
        "",
        summary="Import MCP servers from a client's file or pasted text (admins)",
        openapi_extra=taken(ImportWanted),
    )
    async def run(
        request: Request,
        response: Response,
        dry_run: Annotated[bool, Query(description="Only tell what is there and what would become of it")] = False,
    ) -> Answer[ImportShown]:
        actor = entered(request, response, "api")
        wanted = await read_shape(request, ImportWanted, settings.current.rest_body_bytes)
        text, origin = await _text(wanted, request)
        more: dict[str, Any] = wanted.model_dump(include={"names", "values", "look_up", "enabled"})
        wishes = Wishes(**more, origin=origin)
        if dry_run:
            return Answer[ImportShown](data=shown(await imports.preview(actor, text, wishes), {}))
        return Answer[ImportShown](data=shown(*await imports.run(actor, text, wishes)))

    return router


async def _text(wanted: ImportWanted, request: Request) -> tuple[str, str]:
    if (wanted.text is None) == (wanted.source is None):
        raise ValidationFailed("Either text or source is wanted.")
    if wanted.source is None:
        return wanted.text or "", ""
    _want_here(request)
    return await asyncio.to_thread(text_of, wanted.source)


def _want_here(request: Request) -> None:
    if not from_loopback(request.scope):
        raise Forbidden(_HERE, code="loopback_only")
