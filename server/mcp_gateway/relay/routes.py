"""/api/v1/gateway/{id}/prompts and /resources: what a server offers beside tools, on the same way as /mcp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor
from server.errors import Forbidden, ValidationFailed
from server.mcp_gateway.call_routes import as_error
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.offers import FIELDS
from server.mcp_gateway.relay.relay import PROMPT_REF, RESOURCE_REF, Relay
from server.mcp_gateway.relay.updates import ResourceUpdates
from server.records.values import INTEGER_MAX

ServerId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
_CLIENT = "REST"


class PromptWanted(BaseModel):
    """A prompt and what fills it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, description="As its server calls it.")
    arguments: dict[str, str] = Field(default_factory=dict, description="Texts by the names that the prompt lists.")


class ResourceWanted(BaseModel):
    """A resource to read."""

    model_config = ConfigDict(extra="forbid")

    uri: str = Field(min_length=1, max_length=4_000, description="As the server lists it, or a template filled in.")


class CompletionWanted(BaseModel):
    """An argument of a prompt, or a variable of a template, that is being typed."""

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = Field(None, min_length=1, max_length=200, description="The prompt; or a template.")
    template: str | None = Field(None, min_length=1, max_length=4_000, description="The template as it is listed.")
    argument: str = Field(min_length=1, max_length=200, description="What is being typed, by its name.")
    value: str = Field("", max_length=4_000, description="What stands there so far.")
    given: dict[str, str] = Field(default_factory=dict, description="What the other arguments are already.")

    def params(self) -> dict[str, Any]:
        """As the protocol wants them. Raises ValidationFailed."""
        if (self.prompt is None) == (self.template is None):
            raise ValidationFailed.of("prompt", "invalid_value", "Name a prompt or a template, one of them.")
        named = {"type": PROMPT_REF, "name": self.prompt}
        ref = {"type": RESOURCE_REF, "uri": self.template} if self.prompt is None else named
        context = {"context": {"arguments": self.given}} if self.given else {}
        return {"ref": ref, "argument": {"name": self.argument, "value": self.value}, **context}


def offers_router(
    gateway: Gateway, relay: Relay, updates: ResourceUpdates, enter: Callable[[Request, Response], Actor]
) -> APIRouter:
    """`enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/gateway/{server_id}", tags=["gateway"])

    def caller(actor: Actor, server_id: int, *, typing: bool = False) -> Caller:
        return Caller(actor=actor, client=_CLIENT, server=gateway.config_for(actor, server_id).name, typing=typing)

    def asking(request: Request, response: Response) -> Actor:
        actor = enter(request, response)
        if actor.user_id is None or not (actor.has_scope("api") and actor.reaches_tools):
            raise Forbidden("This wants a person's session, or a token with the scopes api and mcp.")
        return actor

    @router.get("/prompts", summary="The prompts of an MCP server, as it wrote them")
    async def prompts(server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        found = await relay.listed(caller(enter(request, response), server_id), "prompts")
        return {"ok": True, "data": found[FIELDS["prompts"]]}

    @router.get("/resources", summary="The resources of an MCP server and its templates, as it wrote them")
    async def resources(server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        asker = caller(enter(request, response), server_id)
        listed = await relay.listed(asker, "resources")
        templates = await relay.listed(asker, "templates")
        data = {"resources": listed[FIELDS["resources"]], "templates": templates[FIELDS["templates"]]}
        return {"ok": True, "data": data}

    @router.post("/prompts/get", summary="A prompt of an MCP server, filled in; the result is as its server wrote it")
    async def prompt(wanted: PromptWanted, server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        try:
            result = await relay.prompt(caller(asking(request, response), server_id), wanted.model_dump(), None)
        except CallFailed as failure:
            raise as_error(failure) from failure
        return {"ok": True, "data": {"result": result}}

    @router.post("/resources/read", summary="Read a resource of an MCP server; the result is as its server wrote it")
    async def resource(
        wanted: ResourceWanted, server_id: ServerId, request: Request, response: Response
    ) -> dict[str, Any]:
        try:
            result = await relay.resource(caller(asking(request, response), server_id), wanted.model_dump(), None)
        except CallFailed as failure:
            raise as_error(failure) from failure
        return {"ok": True, "data": {"result": result}}

    @router.get(
        "/resources/updates",
        summary="Hear when a resource of an MCP server changes, as server-sent events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "A stream"}},
    )
    async def watch(
        server_id: ServerId,
        request: Request,
        response: Response,
        uri: Annotated[str, Query(min_length=1, max_length=4_000, description="As the server lists it.")],
    ) -> Response:
        try:
            messages = await updates.open(caller(asking(request, response), server_id), uri)
        except CallFailed as failure:
            raise as_error(failure) from failure
        headers = {**response.headers, "cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(messages, media_type="text/event-stream", headers=headers)

    @router.post("/complete", summary="What a half typed argument of a prompt or template may become")
    async def complete(
        wanted: CompletionWanted, server_id: ServerId, request: Request, response: Response
    ) -> dict[str, Any]:
        params = wanted.params()
        actor = asking(request, response)
        try:
            # A program's are calls like all others of it.
            who = caller(actor, server_id, typing=actor.kind == "user")
            result = await relay.completion(who, params, None)
        except CallFailed as failure:
            raise as_error(failure) from failure
        return {"ok": True, "data": {"result": result}}

    return router
