"""GET /api/v1/events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from server.rest_api.event_stream import EventStreams
from server.rest_api.gate import RestGate


def events_router(streams: EventStreams, gate: RestGate) -> APIRouter:
    """The router."""
    router = APIRouter(prefix="/api/v1")

    @router.get(
        "/events",
        tags=["events"],
        summary="Changes as they are committed, as server-sent events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "A stream"}},
    )
    async def events(
        request: Request,
        response: Response,
        models: Annotated[str, Query(description="Models, with commas between them; empty: all but logs")] = "",
        last_event_id: Annotated[str | None, Query(description="For clients that can't send the header")] = None,
        last_event_id_header: Annotated[str | None, Header(alias="last-event-id")] = None,
    ) -> Response:
        actor = gate.enter_route(request, response, records=True)
        messages = streams.open(actor, models, last_event_id_header or last_event_id)
        headers = {**response.headers, "cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(messages, media_type="text/event-stream", headers=headers)

    return router
