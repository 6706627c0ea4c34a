"""/auth/second-factor: setting up an authenticator app, recovery codes, removing it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from server.access.actor import Actor
from server.access.demands import demand_admin
from server.auth.authenticate import Authenticator
from server.auth.forms import UserId, form_body, read_form, text_of
from server.auth.people import People
from server.errors import Forbidden

ISSUER = "GridBear"


def factor_router(people: People, authenticator: Authenticator) -> APIRouter:
    """Routes under /auth. Whatever changes a factor asks for the caller's password again."""
    router = APIRouter(prefix="/auth", tags=["auth"])
    factors, sessions = people.factors, people.sessions

    async def confirmed(request: Request) -> tuple[Actor, int]:
        """The caller, who has sent their password."""
        actor = authenticator.actor_for(request.scope)
        await sessions.confirm_password(actor, text_of(await read_form(request), "password"))
        assert actor.user_id is not None
        return actor, actor.user_id

    def person(request: Request) -> int:
        actor = authenticator.actor_for(request.scope)
        if actor.kind != "user" or actor.user_id is None:
            raise Forbidden("This is done in a signed-in session.", code="session_needed")
        return actor.user_id

    @router.get("/second-factor", summary="Whether signing in needs a code, and how many recovery codes are left")
    async def state(request: Request) -> dict[str, Any]:
        user_id = person(request)
        in_force = factors.is_in_force(user_id)
        return {"ok": True, "data": {"in_force": in_force, "recovery_codes": await factors.codes_left(user_id)}}

    @router.post("/second-factor", summary="Begin to set up an authenticator app", openapi_extra=form_body("password"))
    async def begin(request: Request) -> dict[str, Any]:
        actor, user_id = await confirmed(request)
        made = await factors.begin(user_id, actor.username, ISSUER)
        return {"ok": True, "data": {"secret": made.secret, "uri": made.uri, "qr": made.qr}}

    @router.post(
        "/second-factor/confirm",
        summary="Put the app in force with its first code; tells the recovery codes, once",
        openapi_extra=form_body("otp"),
    )
    async def confirm(request: Request) -> dict[str, Any]:
        user_id = person(request)
        codes = await factors.confirm(user_id, text_of(await read_form(request), "otp"))
        actor = authenticator.actor_for(request.scope)
        authenticator.forget(user_id)
        await people.note("second_factor_set", actor, about=actor.username)
        return {"ok": True, "data": {"recovery_codes": codes}}

    @router.post(
        "/second-factor/recovery-codes",
        summary="New recovery codes in place of the old ones, told once",
        openapi_extra=form_body("password"),
    )
    async def codes(request: Request) -> dict[str, Any]:
        actor, user_id = await confirmed(request)
        made = await factors.new_codes(user_id)
        await people.note("recovery_codes_made", actor, about=actor.username)
        return {"ok": True, "data": {"recovery_codes": made}}

    @router.post(
        "/second-factor/remove", summary="Sign in with the password alone again", openapi_extra=form_body("password")
    )
    async def remove(request: Request) -> dict[str, Any]:
        actor, user_id = await confirmed(request)
        await factors.remove(user_id)
        authenticator.forget(user_id)
        await people.note("second_factor_removed", actor, about=actor.username)
        return {"ok": True, "data": None}

    @router.post(
        "/users/{user_id}/second-factor/remove",
        summary="Remove somebody's second factor, for admins; wants the admin's own password",
        openapi_extra=form_body("password"),
    )
    async def remove_of(user_id: UserId, request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        demand_admin(actor, "Only admins remove the second factor of somebody else.")
        await confirmed(request)
        await factors.remove(user_id)
        await sessions.end_sessions(user_id)
        await people.note("second_factor_removed", actor, about=(await people.person(user_id))["username"])
        return {"ok": True, "data": None}

    return router
