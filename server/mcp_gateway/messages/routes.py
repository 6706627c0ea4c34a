"""/api/v1/gateway/{id}/messages and /gateway/own/{server}/messages: what passes to and from a server, for admins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from pydantic.config import JsonDict

from server.access.actor import Actor
from server.access.demands import demand_scope
from server.asgi.answer import Answer
from server.mcp_gateway.hosted_routes import ServerName
from server.mcp_gateway.messages.message import Direction, Kind
from server.mcp_gateway.messages.message_desk import MessageDesk, Wanted
from server.mcp_gateway.messages.message_ring import BODY_BYTES, MOST_MESSAGES
from server.records.values import INTEGER_MAX

_MOMENT: JsonDict = {"format": "date-time"}
_LINES = "application/x-ndjson"
_Id = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
_After = Annotated[int, Query(ge=0, le=INTEGER_MAX, description="Only messages with a greater sequence.")]
_Kinds = Annotated[list[Kind], Query(default_factory=list, description="Only these kinds; none: all.")]
_Method = Annotated[str, Query(max_length=200, description="In the method, or in the name of the tool or resource.")]
_Words = Annotated[str, Query(max_length=200, description="Anywhere in the message as it is shown, in any case.")]
_Failed = Annotated[bool, Query(description="Only errors, lost answers, and results of tools that say isError.")]
_Limit = Annotated[int, Query(ge=1, le=MOST_MESSAGES, description="The newest so many of those that fit.")]


class MessageShown(BaseModel):
    """One JSON-RPC message, with secrets blacked out."""

    sequence: int
    time: str = Field(json_schema_extra=_MOMENT)
    direction: Direction
    kind: Kind = Field(description="error: an answer that is a JSON-RPC error; lost: no answer came, and why.")
    method: str | None = Field(description="For an answer that of its request; null: the request was not seen.")
    about: str | None = Field(description="The tool, prompt or resource that it is about.")
    id: str | int | None = Field(description="Its JSON-RPC id.")
    answers: int | None = Field(description="The sequence of the request that it answers.")
    took_ms: float | None = Field(description="From the request to this answer.")
    failed: bool = Field(description="A JSON-RPC error, no answer, or the result of a tool that says isError.")
    size: int = Field(description="Its bytes on the wire.")
    cut: bool = Field(description=f"It is longer than {BODY_BYTES} bytes, and shown in part.")
    person: int | None = Field(description="Whose connection it is, where everybody has their own.")
    message: Any = Field(description="The message itself.")


class Standing(BaseModel):
    """Whether a server is watched."""

    watching: bool
    since: str | None = Field(description="When the watching began.", json_schema_extra=_MOMENT)
    seconds_left: int = Field(description="It ends by itself so long after an admin last looked.")
    last: int = Field(description="The newest sequence that was given.")
    forgotten: int = Field(description="Older messages of this watching, for which there was no room any more.")


class Seen(Standing):
    """How it stands, with messages."""

    messages: list[MessageShown] = Field(description="The oldest first.")


_EVENTS = "text/event-stream"
_FILE = {"schema": {"type": "string"}}


def _wanted(
    kind: _Kinds,
    after: _After = 0,
    method: _Method = "",
    q: _Words = "",
    failed: _Failed = False,
    limit: _Limit = 200,
) -> Wanted:
    return Wanted(after=after, kinds=frozenset(kind), method=method, words=q, failed=failed, limit=limit)


_Asked = Annotated[Wanted, Depends(_wanted)]


def messages_router(desk: MessageDesk, enter: Callable[[Request, Response], Actor]) -> APIRouter:
    """`enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/gateway", tags=["gateway"])
    _routes_of(router, "/own/{server}", _own, "a server of this program or of a plugin", desk, enter)
    _routes_of(router, "/{server_id}", _configured, "an MCP server", desk, enter)
    return router


def _own(server: ServerName) -> str:
    return server


def _configured(server_id: _Id) -> int:
    return server_id


def _routes_of(
    router: APIRouter,
    place: str,
    named: Callable[..., str | int],
    of: str,
    desk: MessageDesk,
    enter: Callable[[Request, Response], Actor],
) -> None:
    """The routes of one sort of servers: `place` in the address that `named` reads, called `of` in the docs."""
    server = Depends(named)
    file: dict[int | str, dict[str, Any]] = {200: {"content": {_LINES: _FILE}, "description": "One in each line"}}
    stream: dict[int | str, dict[str, Any]] = {200: {"content": {_EVENTS: _FILE}, "description": "A stream"}}

    @router.get(f"{place}/messages", summary=f"Messages to and from {of}, while it is watched (admins)")
    async def messages(
        wanted: _Asked, request: Request, response: Response, server: int | str = server
    ) -> Answer[Seen]:
        actor = enter(request, response)
        return Answer[Seen](data=Seen.model_validate(await desk.listed(actor, server, wanted)))

    @router.get(
        f"{place}/messages/export",
        summary=f"The messages of {of} as a file: JSON, one in each line (admins)",
        response_class=Response,
        responses=file,
    )
    async def export(wanted: _Asked, request: Request, response: Response, server: int | str = server) -> Response:
        actor = enter(request, response)
        return _file(response, *await desk.exported(actor, server, wanted))

    @router.get(
        f"{place}/messages/updates",
        summary=f"Hear when there are messages of {of}, as server-sent events (admins)",
        response_class=StreamingResponse,
        responses=stream,
    )
    async def updates(request: Request, response: Response, server: int | str = server) -> Response:
        return _stream(response, desk.followed(enter(request, response), server))

    @router.put(f"{place}/messages/watch", summary=f"Keep the messages of {of} in memory (admins)")
    async def watch(request: Request, response: Response, server: int | str = server) -> Answer[Standing]:
        actor = demand_scope(enter(request, response))
        return Answer[Standing](data=Standing.model_validate(await desk.begin(actor, server)))

    @router.delete(f"{place}/messages/watch", summary=f"Stop watching {of}, and forget the messages (admins)")
    async def leave(request: Request, response: Response, server: int | str = server) -> Answer[Standing]:
        actor = demand_scope(enter(request, response))
        return Answer[Standing](data=Standing.model_validate(await desk.end(actor, server)))


def _file(response: Response, name: str, lines: bytes) -> Response:
    headers = {**response.headers, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(lines, media_type=_LINES, headers=headers)


def _stream(response: Response, messages: AsyncIterator[bytes]) -> Response:
    headers = {**response.headers, "cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(messages, media_type=_EVENTS, headers=headers)
