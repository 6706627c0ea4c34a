"""REST of signing in to remote MCP servers, and the page at which the browser comes back."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import HTMLResponse
from starlette.types import Scope

from server.access.actor import Actor
from server.access.demands import demand_scope
from server.auth.oauth.addresses import issuer_of
from server.config import SettingsHolder
from server.errors import Conflict, GridBearError, Unauthorized
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.sign_in.sign_ins import CALLBACK, SignIns
from server.records.values import INTEGER_MAX

ServerId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]
_Text = Annotated[str | None, Query(max_length=4000)]
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} - GridBear</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="{base}/ui/css/tokens.css"><link rel="stylesheet" href="{base}/ui/css/base.css"></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


def sign_in_router(
    gateway: Gateway,
    sign_ins: SignIns,
    settings: SettingsHolder,
    enter: Callable[[Request, Response], Actor],
    authenticate: Callable[[Scope], Actor],
) -> APIRouter:
    """The routes. `enter` authenticates and counts a request to /api/v1, `authenticate` only tells whose it is."""
    router = APIRouter()

    @router.post("/api/v1/gateway/{server_id}/sign-in", tags=["gateway"], summary="Begin a sign-in to an MCP server")
    async def sign_in(server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        config = gateway.config_for(actor, server_id)
        origin = issuer_of(request.scope, settings.current.base_path)
        if origin is None:
            raise Conflict(
                "Signing in works on the server's own computer or over https, since the answer comes back by browser.",
                code="oauth_needs_https",
            )
        return {"ok": True, "data": await sign_ins.begin(actor, config, origin + CALLBACK)}

    @router.post("/api/v1/gateway/{server_id}/sign-out", tags=["gateway"], summary="End a sign-in to an MCP server")
    async def sign_out(server_id: ServerId, request: Request, response: Response) -> dict[str, Any]:
        actor = demand_scope(enter(request, response))
        await sign_ins.end(actor, gateway.config_for(actor, server_id))
        return {"ok": True, "data": None}

    @router.get(
        CALLBACK,
        tags=["oauth"],
        response_class=HTMLResponse,
        summary="Where an MCP server's sign-in sends the browser back to",
    )
    async def callback(
        request: Request, state: _Text = None, code: _Text = None, iss: _Text = None, error: _Text = None
    ) -> Response:
        # Whoever has the state was sent away with it: it is long, random and good once. Nobody need be signed in in
        # this browser, which may be another one than the window.
        person = None
        with contextlib.suppress(Unauthorized):
            person = authenticate(request.scope).user_id
        try:
            server = await sign_ins.finish(state or "", code, iss, error, person)
        except GridBearError as problem:
            return _page(settings, "Not signed in", problem.message, 400)
        return _page(settings, f"Signed in to {server}", "You can close this window and go back to GridBear.", 200)

    return router


def _page(settings: SettingsHolder, title: str, text: str, status: int) -> Response:
    values = {"title": title, "text": text, "base": settings.current.base_path}
    body = _PAGE.format(**{name: html.escape(value) for name, value in values.items()})
    return HTMLResponse(body, status, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})
