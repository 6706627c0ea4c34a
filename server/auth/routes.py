"""The routes of /auth: sign-in, set-up, sign-out, password, who am I."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.auth.authenticate import COOKIE, Authenticator, from_loopback
from server.auth.people import People, SignedIn, missing_fields
from server.config import SettingsHolder
from server.errors import BadRequest, Forbidden, NotFound, TooLarge
from server.records.values import raise_for

FORM_BYTES = 64 * 1024


def auth_router(people: People, authenticator: Authenticator, settings: SettingsHolder) -> APIRouter:
    """Routes under /auth."""
    router = APIRouter(prefix="/auth", tags=["auth"])

    def answer(request: Request, signed_in: SignedIn, status: int) -> Response:
        base = settings.current.base_path
        response: Response
        if prefers_json(request):
            response = JSONResponse({"ok": True, "data": signed_in.user}, status)
        else:
            response = RedirectResponse(f"{base}/", 303)
        set_cookie(response, request, signed_in.token, base, settings.current.session_max_days)
        return response

    @router.post("/login", summary="Sign in with a form", openapi_extra=_form("username", "password"))
    async def login(request: Request) -> Response:
        form = await read_form(request)
        raise_for(missing_fields(form, "username", "password"))
        signed_in = await people.sign_in(form["username"], form["password"], _device(request), _address(request))
        return answer(request, signed_in, 200)

    @router.post(
        "/setup",
        summary="Make the first admin with the set-up link's token",
        openapi_extra=_form("token", "username", "password", "password_confirm"),
    )
    async def setup(request: Request) -> Response:
        if not from_loopback(request.scope):
            raise Forbidden("The set-up link works on the server's own computer only.", code="loopback_only")
        form = await read_form(request)
        raise_for(missing_fields(form, "token", "username", "password", "password_confirm"))
        signed_in = await people.set_up(
            form["token"], form["username"], form["password"], form["password_confirm"],
            _device(request), _address(request),
        )  # fmt: skip
        return answer(request, signed_in, 201)

    @router.get("/me", summary="Who is signed in")
    async def me(request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        user: dict[str, Any] = {"id": actor.user_id, "username": actor.username, "role": actor.role}
        if actor.user_id is not None:
            try:
                user = await people.person(actor.user_id)
            except NotFound:
                authenticator.forget(actor.user_id)
        return {"ok": True, "data": {**user, "kind": actor.kind, "scopes": sorted(actor.scopes)}}

    @router.post("/logout", summary="Sign out")
    async def logout(request: Request) -> Response:
        actor = authenticator.actor_for(request.scope)
        await people.sign_out(actor)
        base = settings.current.base_path
        response = JSONResponse({"ok": True, "data": None})
        response.delete_cookie(COOKIE, path=base or "/", httponly=True, samesite="lax")
        return response

    @router.post(
        "/password",
        summary="Change one's own password",
        openapi_extra=_form("current_password", "new_password"),
    )
    async def password(request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        form = await read_form(request)
        raise_for(missing_fields(form, "current_password", "new_password"))
        await people.change_password(actor, form["current_password"], form["new_password"])
        return {"ok": True, "data": None}

    return router


async def read_form(request: Request) -> Mapping[str, Any]:
    """The fields of a small form or JSON object."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > FORM_BYTES:
        raise TooLarge(f"A form has at most {FORM_BYTES} bytes.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            raise BadRequest("The body is no valid JSON.", code="invalid_json") from None
        if not isinstance(body, dict):
            raise BadRequest("A JSON object is wanted.", code="invalid_json")
        return body
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form(max_files=0, max_fields=20) as form:
            return dict(form)
    raise BadRequest("Send a form (application/x-www-form-urlencoded) or JSON.", code="unsupported_type")


def prefers_json(request: Request) -> bool:
    """Whether the caller would rather read JSON than follow to a page."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and not accept.startswith("text/html")


def set_cookie(response: Response, request: Request, token: str, base: str, max_days: float) -> None:
    """The session cookie. `Secure` follows the transport, so that plain http on a LAN keeps working."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(max_days * 86400),
        path=base or "/",
        httponly=True,
        samesite="lax",
        secure=request.scope.get("scheme") == "https",
    )
    response.headers["cache-control"] = "no-store"


def _device(request: Request) -> str:
    return request.headers.get("user-agent", "unknown")


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _form(*names: str) -> dict[str, Any]:
    schema = {"type": "object", "required": list(names), "properties": {name: {"type": "string"} for name in names}}
    content = {kind: {"schema": schema} for kind in ("application/x-www-form-urlencoded", "application/json")}
    return {"requestBody": {"required": True, "content": content}}
