"""GET /metrics: what a Prometheus server asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from server.access.actor import Actor
from server.errors import Forbidden
from server.web.prometheus import CONTENT_TYPE, Numbers

_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


def metrics_router(numbers: Numbers, enter: Callable[[Request, Response], Actor]) -> APIRouter:
    """For admins: their session, or a token of theirs with the scope `metrics`, `api:read` or `api`."""
    router = APIRouter()

    @router.get(
        "/metrics",
        tags=["server"],
        summary="Numbers of the whole server, as Prometheus reads them",
        response_class=PlainTextResponse,
        responses=_ANSWER,
    )
    async def metrics(request: Request, response: Response) -> Response:
        if not enter(request, response).is_admin:
            raise Forbidden("Only admins read the numbers of the whole server.")
        return Response(numbers.text(), media_type=CONTENT_TYPE, headers=dict(response.headers))

    return router
