"""/api/v1/gateway/catalogue: well-known MCP servers, and adding one. For admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor, Scope
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.asgi.json_shape import read_shape, taken
from server.config import SettingsHolder
from server.errors import NotFound
from server.mcp_gateway.importing.server_import import ServerImport
from server.mcp_gateway.server_catalogue.adding import filled
from server.mcp_gateway.server_catalogue.known_servers import Argument, KnownServer, Variable, known_servers


class PackageOffered(BaseModel):
    """What is fetched when the server is first started."""

    registry: Literal["npm", "pypi"]
    name: str
    version: str


class ServerOffered(BaseModel):
    """One offered server, and what it needs."""

    name: str
    label: str
    category: str
    summary: str
    homepage: str
    transport: Literal["stdio", "http"]
    command: str
    args: list[str] = Field(description="Without those that a person chooses.")
    url: str
    program: str = Field(description="What must be on the computer: npx comes with Node.js, uvx with uv.")
    package: PackageOffered | None
    signs_in: bool
    note: str
    arguments: list[Argument]
    variables: list[Variable]
    added_as: str = Field(description="The server that does the same already.")


class AddWanted(BaseModel):
    """The values that a person chose."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=32, description="Another name than in the catalogue.")
    arguments: dict[str, str | list[str]] = Field(default_factory=dict, description="By their key.")
    variables: dict[str, str] = Field(default_factory=dict, description="By their name; secrets go into the vault.")
    enabled: bool = True


class ServerAdded(BaseModel):
    """The server that was made."""

    id: int
    name: str
    secrets: list[str] = Field(description="Names of the secrets that were made.")


def catalogue_router(
    imports: ServerImport, settings: SettingsHolder, enter: Callable[[Request, Response], Actor]
) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/gateway/catalogue", tags=["gateway"])

    def entered(request: Request, response: Response, scope: Scope) -> Actor:
        actor = enter(request, response)
        return demand_admin(actor, "Only admins add MCP servers: they start programs on this computer.", scope)

    @router.get("", summary="Well-known MCP servers and what they need (admins)")
    async def listed(request: Request, response: Response) -> Answer[list[ServerOffered]]:
        there = await imports.existing(entered(request, response, "api:read"))
        return Answer[list[ServerOffered]](data=[_offered(one, there(one.transport, one.program, one.words, one.url))
                                     for one in known_servers().values()])  # fmt: skip

    @router.post(
        "/{name}/add",
        status_code=201,
        summary="Make a server of the catalogue one of yours (admins)",
        openapi_extra=taken(AddWanted),
    )
    async def add(name: str, request: Request, response: Response) -> Answer[ServerAdded]:
        actor = entered(request, response, "api")
        known = known_servers().get(name)
        if known is None:
            raise NotFound(f"The catalogue has no server {name[:60]!r}.")
        wanted = await read_shape(request, AddWanted, settings.current.rest_body_bytes)
        own = wanted.name or imports.free_name(known.name)
        draft = filled(known, own, wanted.arguments, wanted.variables, imports.secret_namer(own), imports.home)
        draft.enabled = wanted.enabled
        (record_id,) = (await imports.make(actor, [draft], "the catalogue")).values()
        response.headers["location"] = f"{settings.current.base_path}/api/v1/mcp_servers/{record_id}"
        return Answer[ServerAdded](
            data=ServerAdded(id=record_id, name=own, secrets=[one.name for one in draft.secrets])
        )

    return router


def _offered(known: KnownServer, added_as: str) -> ServerOffered:
    package = None
    if known.registry is not None:
        package = PackageOffered(registry=known.registry, name=known.package, version=known.version)
    return ServerOffered(
        **known.model_dump(include={"name", "label", "category", "summary", "homepage", "url", "signs_in", "note"}),
        transport=known.transport,
        command=known.program,
        args=list(known.words),
        program=known.program,
        package=package,
        arguments=list(known.arguments),
        variables=list(known.variables),
        added_as=added_as,
    )
