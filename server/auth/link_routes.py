"""/auth/invites, /auth/resets and /auth/link: one-time links that admins hand out, and their use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.access.actor import ROLES
from server.auth.authenticate import Authenticator
from server.auth.forms import address_of, device_of, form_body, read_form, signed_in_answer, text_of
from server.auth.people import People, missing_fields
from server.auth.sign_in import SignedIn
from server.config import SettingsHolder
from server.errors import ValidationFailed
from server.qr_code import qr_rows
from server.records.values import raise_for
from server.setting_fields import listed

HOURS = 72.0


def link_router(
    people: People, authenticator: Authenticator, settings: SettingsHolder, address: Callable[[], str]
) -> APIRouter:
    """Routes under /auth. `address` is where the page is reached from this computer."""
    router = APIRouter(prefix="/auth", tags=["auth"])

    def address_for(request: Request, token: str) -> dict[str, Any]:
        # The address under which the admin reaches the server is more likely to be the other's than loopback.
        host = request.headers.get("host")
        base = f"{request.scope['scheme']}://{host}{settings.current.base_path}" if host else address()
        url = f"{base}/auth/link?token={token}"
        return {"url": url, "qr": qr_rows(url)}

    @router.post(
        "/invites",
        status_code=201,
        summary="Make a link with which somebody joins, for admins",
        openapi_extra=form_body(optional=("role", "username", "hours", "groups")),
    )
    async def invite(request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        form = await read_form(request)
        role = text_of(form, "role") or "member"
        if role not in ROLES:
            raise ValidationFailed.of("role", "unknown_choice", f"one of {', '.join(ROLES)}")
        name = text_of(form, "username").strip() or None
        # In a form the names have commas between them; in JSON they may be a list.
        given = form.get("groups", "")
        groups = listed(given) if isinstance(given, str) else given
        if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
            raise ValidationFailed.of("groups", "wrong_type", "names of groups are wanted")
        token, row = await people.links.invite(actor, role=role, username=name, hours=_hours(form), groups=groups)
        return {"ok": True, "data": {**row, **address_for(request, token)}}

    @router.post(
        "/resets",
        status_code=201,
        summary="Make a link with which somebody sets a new password, for admins",
        openapi_extra=form_body("user_id", optional=("hours",)),
    )
    async def reset(request: Request) -> dict[str, Any]:
        actor = authenticator.actor_for(request.scope)
        form = await read_form(request)
        user_id = str(form.get("user_id", ""))
        if not user_id.isascii() or not user_id.isdigit() or len(user_id) > 18:
            raise ValidationFailed.of("user_id", "wrong_type", "the id of a user is wanted")
        token, row = await people.links.reset(actor, int(user_id), hours=_hours(form))
        return {"ok": True, "data": {**row, **address_for(request, token)}}

    @router.post("/link/look", summary="What a link is for", openapi_extra=form_body("token"))
    async def look(request: Request) -> dict[str, Any]:
        row = people.links.look(text_of(await read_form(request), "token"))
        return {"ok": True, "data": {name: row[name] for name in ("purpose", "username", "role", "expires_at")}}

    @router.post(
        "/link",
        summary="Use a link: join, or set a new password",
        openapi_extra=form_body("token", "password", "password_confirm", optional=("username", "display_name")),
    )
    async def use(request: Request) -> Response:
        form = await read_form(request)
        raise_for(missing_fields(form, "token", "password", "password_confirm"))
        secret = (form["token"], form["password"], form["password_confirm"])
        if people.links.look(form["token"])["purpose"] == "invite":
            name = text_of(form, "display_name") or None
            token, password, confirm = secret
            user = await people.join(token, text_of(form, "username"), password, confirm, display_name=name)
        else:
            user = await people.reset_by_link(*secret)
            if people.factors.is_in_force(user["id"]):
                # A link replaces the password and nothing else: the code is asked for at the sign-in.
                return JSONResponse({"ok": True, "data": user})
        opened = await people.sessions.open_session(user, device_of(request), address_of(request), how="link")
        return signed_in_answer(request, SignedIn(opened, user), settings, 201)

    return router


def _hours(form: Mapping[str, Any]) -> float:
    given = form.get("hours", HOURS)
    try:
        return float(given)
    except (TypeError, ValueError):
        raise ValidationFailed.of("hours", "wrong_type", "a number of hours is wanted") from None
