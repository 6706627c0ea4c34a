"""/_desktop: what the tray, the window and the command line of this machine ask for."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from server.asgi.json_body import parse_object
from server.auth.authenticate import Authenticator, from_loopback
from server.auth.forms import set_cookie
from server.auth.operations import OPERATIONS, Operations
from server.auth.people import People
from server.config import SettingsHolder
from server.errors import Forbidden, NotFound


def desktop_router(
    people: People, operations: Operations, authenticator: Authenticator, settings: SettingsHolder
) -> APIRouter:
    """Routes under /_desktop. All but the ticket's own address want the control token, from loopback."""
    router = APIRouter(prefix="/_desktop", tags=["desktop"])

    def owner(request: Request) -> None:
        if authenticator.actor_for(request.scope).kind != "owner":
            raise Forbidden("This is for the programs of this machine: send the control token of run/server.json.")

    @router.post("/ticket", summary="A one-time sign-in for the window")
    async def ticket(request: Request) -> dict[str, Any]:
        owner(request)
        return {"ok": True, "data": {"path": f"/_desktop/login?ticket={people.tickets.make()}"}}

    @router.get("/login", summary="Use a ticket", status_code=303, response_class=RedirectResponse)
    async def login(request: Request, ticket: str = "") -> Response:
        if not from_loopback(request.scope):
            raise Forbidden("Tickets work on the server's own computer only.", code="loopback_only")
        base = settings.current.base_path
        signed_in = await people.sign_in_owner(ticket, request.headers.get("user-agent", "window"), "127.0.0.1")
        if signed_in is None:
            return RedirectResponse(f"{base}/auth/setup?token={people.setup_tokens.make()}", 303)
        response = RedirectResponse(f"{base}/", 303)
        set_cookie(response, request, signed_in.token, base, settings.current.session_max_days)
        return response

    @router.post("/operations/{name}", summary="Do what a gridbear command does")
    async def operation(name: str, request: Request) -> dict[str, Any]:
        owner(request)
        if name not in OPERATIONS:
            raise NotFound(f"There is no operation {name!r}; there are {', '.join(OPERATIONS)}.")
        body = await request.body()
        return {"ok": True, "data": await operations.run(name, parse_object(body) if body else {})}

    return router
