"""/oauth/authorize and what follows it: what an app asks for, and what a person answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from server.access.actor import Actor
from server.auth.authenticate import Authenticator
from server.auth.forms import form_body, text_of
from server.auth.oauth import metadata
from server.auth.oauth.addresses import https_issuer
from server.auth.oauth.bodies import read_form, single
from server.auth.oauth.clients import Clients
from server.auth.oauth.grants import Grants
from server.auth.oauth.redirects import place_of
from server.config import SettingsHolder
from server.errors import Forbidden, ValidationFailed

ASKED = ("client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "state", "scope",
         "resource")  # fmt: skip
_NEEDED = ("client_id", "response_type", "code_challenge")
_OPTIONAL = ("redirect_uri", "code_challenge_method", "state", "scope", "resource")


def consent_router(
    clients: Clients, grants: Grants, authenticator: Authenticator, settings: SettingsHolder
) -> APIRouter:
    """The routes. Over plain http on a network they say that personal tokens are the way."""
    router = APIRouter(tags=["oauth"])

    def issuer(request: Request) -> str:
        return https_issuer(request.scope, settings.current.base_path)

    @router.get(
        metadata.AUTHORIZE,
        status_code=302,
        response_class=RedirectResponse,
        summary="Ask a person for access: leads to the page that asks, whatever the request says",
        openapi_extra={"parameters": [_parameter(name) for name in ASKED]},
    )
    async def authorize(request: Request) -> Response:
        issuer(request)
        # Nobody is sent to an address of a client before a person saw its name and decided: no open redirect.
        asked = single(parse_qsl(request.url.query, keep_blank_values=True))
        query = urlencode({name: asked[name] for name in ASKED if name in asked})
        return RedirectResponse(f"{settings.current.base_path}{metadata.CONSENT}?{query}", 302)

    @router.post(
        f"{metadata.CONSENT}/look",
        summary="What an app asks for, for the person who decides",
        openapi_extra=form_body(*_NEEDED, optional=_OPTIONAL),
    )
    async def look(request: Request) -> dict[str, Any]:
        actor = _person(authenticator.actor_for(request.scope))
        form = await read_form(request)
        single(form)
        from server.auth.oauth.provider import Back, read_asked  # the SDK, for those who use it

        asked = await read_asked(request, clients, issuer(request), actor.user_id or 0)
        if isinstance(asked, Back):
            problem = {"error": asked.error, "message": asked.description}
            return {"ok": True, "data": {"problem": problem, "back": asked.url, "goes_to": place_of(asked.url)}}
        verified = asked.client.is_verified_at(asked.redirect)
        client = {"id": asked.client.identifier, "name": asked.client.name, "kind": asked.client.kind}
        data = {
            "client": {**client, "verified": verified},
            "scopes": list(asked.scopes),
            "server": asked.server,
            "goes_to": place_of(asked.redirect),
            "username": actor.username,
        }
        return {"ok": True, "data": data}

    @router.post(
        f"{metadata.CONSENT}/decide",
        summary="Allow or deny what an app asks for; answers with where to send the browser",
        openapi_extra=form_body("decision", *_NEEDED, optional=(*_OPTIONAL, "allowed_scopes")),
    )
    async def decide(request: Request) -> dict[str, Any]:
        actor = _person(authenticator.actor_for(request.scope))
        form = await read_form(request)
        given = single(form)
        decision = text_of(given, "decision")
        if decision not in ("allow", "deny"):
            raise ValidationFailed.of("decision", "unknown_choice", "allow or deny")
        from server.auth.oauth.provider import Back, allowed, read_asked

        own = issuer(request)
        asked = await read_asked(request, clients, own, actor.user_id or 0, denied=decision == "deny")
        if isinstance(asked, Back):
            return {"ok": True, "data": {"redirect": asked.url}}
        chosen = text_of(given, "allowed_scopes").split()
        scopes = tuple(scope for scope in asked.scopes if not chosen or scope in chosen)
        if not scopes or not set(chosen) <= set(asked.scopes):
            raise ValidationFailed.of("allowed_scopes", "unknown_choice", "some of the scopes that were asked for")
        row = await clients.confirm(asked.client, actor, scopes)
        # Asked again, since an app may let us wait for its document: a session that ended meanwhile lets nobody in.
        actor = _person(authenticator.actor_for(request.scope))
        return {"ok": True, "data": {"redirect": allowed(asked, scopes, grants, row, actor, own)}}

    return router


def _person(actor: Actor) -> Actor:
    if actor.kind != "user" or actor.user_id is None:
        raise Forbidden("This is done in a signed-in session.", code="session_needed")
    if actor.must_enrol:
        raise Forbidden("Set up a second factor first; your role needs one.", code="second_factor_needed")
    return actor


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": name in _NEEDED, "schema": {"type": "string"}}
