"""The routes of /auth: sign-in, set-up, sign-out, password, who am I."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.auth.authenticate import COOKIE, Authenticator, from_loopback
from server.auth.forms import address_of, device_of, form_body, read_form, signed_in_answer, text_of
from server.auth.people import People, missing_fields
from server.config import SettingsHolder
from server.errors import Forbidden, NotFound, ValidationFailed
from server.records.values import raise_for


def auth_router(people: People, authenticator: Authenticator, settings: SettingsHolder) -> APIRouter:
    """Routes under /auth."""
    router = APIRouter(prefix="/auth", tags=["auth"])

    @router.post(
        "/login", summary="Sign in with a form", openapi_extra=form_body("username", "password", optional=("otp",))
    )
    async def login(request: Request) -> Response:
        form = await read_form(request)
        raise_for(missing_fields(form, "username", "password"))
        signed_in = await people.sessions.with_password(
            form["username"], form["password"], text_of(form, "otp"), device_of(request), address_of(request)
        )
        return signed_in_answer(request, signed_in, settings, 200)

    @router.post(
        "/setup",
        summary="Make the first admin with the set-up link's token",
        openapi_extra=form_body("token", "username", "password", "password_confirm"),
    )
    async def setup(request: Request) -> Response:
        if not from_loopback(request.scope):
            raise Forbidden("The set-up link works on the server's own computer only.", code="loopback_only")
        form = await read_form(request)
        raise_for(missing_fields(form, "token", "username", "password", "password_confirm"))
        signed_in = await people.set_up(
            form["token"], form["username"], form["password"], form["password_confirm"],
            device_of(request), address_of(request),
        )  # fmt: skip
        return signed_in_answer(request, signed_in, settings, 201)

    @router.get("/me", summary="Who is signed in")
    async def me(request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        user: dict[str, Any] = {"id": actor.user_id, "username": actor.username, "role": actor.role}
        if actor.user_id is not None:
            try:
                user = await people.person(actor.user_id)
            except NotFound:
                authenticator.forget(actor.user_id)
        factor = actor.user_id is not None and people.factors.is_in_force(actor.user_id)
        more = {"kind": actor.kind, "scopes": sorted(actor.scopes), "second_factor": factor}
        return {
            "ok": True,
            "data": {**user, **more, "session_id": actor.credential_id if actor.kind == "user" else None},
        }

    @router.post("/logout", summary="Sign out")
    async def logout(request: Request) -> Response:
        actor = authenticator.actor_for(request.scope)
        await people.sessions.sign_out(actor)
        base = settings.current.base_path
        response = JSONResponse({"ok": True, "data": None})
        response.delete_cookie(COOKIE, path=base or "/", httponly=True, samesite="lax")
        return response

    @router.post(
        "/password",
        summary="Change one's own password",
        openapi_extra=form_body("current_password", "new_password"),
    )
    async def password(request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        form = await read_form(request)
        raise_for(missing_fields(form, "current_password", "new_password"))
        await people.change_password(actor, form["current_password"], form["new_password"])
        return {"ok": True, "data": None}

    @router.post("/sessions/revoke", summary="Sign out elsewhere, or everywhere", openapi_extra=form_body("which"))
    async def revoke(request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        which = text_of(await read_form(request), "which")
        if actor.user_id is None or actor.kind != "user":
            raise Forbidden("This is done in a signed-in session.", code="session_needed")
        if which not in ("others", "all"):
            raise ValidationFailed.of("which", "unknown_choice", "others or all")
        ended = await people.sessions.end_sessions(
            actor.user_id, but=actor.credential_id if which == "others" else None
        )
        await people.note("sessions_ended", actor, about=actor.username, detail=f"{which}: {ended}")
        return {"ok": True, "data": {"ended": ended}}

    return router
