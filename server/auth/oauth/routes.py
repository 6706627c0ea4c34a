"""/oauth/* and /.well-known/*: metadata, registration, consent, tokens."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.access.actor import Actor
from server.auth.authenticate import Authenticator
from server.auth.forms import FORM_BYTES, address_of, form_body, text_of
from server.auth.oauth import metadata
from server.auth.oauth.addresses import (
    NEEDS_HTTPS,
    RESOURCE_METADATA,
    SERVER_METADATA,
    SERVER_METADATA_ALIAS,
    issuer_of,
)
from server.auth.oauth.clients import Clients
from server.auth.oauth.grants import Grants
from server.auth.oauth.redirects import place_of
from server.config import SettingsHolder
from server.errors import BadRequest, Forbidden, NotFound, RateLimited, TooLarge, ValidationFailed
from server.limits.token_bucket import TokenBuckets

_PROTOCOL_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": ["string", "null"]}},
}
_PROTOCOL_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": "Error of RFC 6749", "content": {"application/json": {"schema": _PROTOCOL_ERROR}}}
    for status in (400, 401)
}
ASKED = ("client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "state", "scope",
         "resource")  # fmt: skip
_NEEDED = ("client_id", "response_type", "code_challenge")
_OPTIONAL = ("redirect_uri", "code_challenge_method", "state", "scope", "resource")
TOKENS_AT_ONCE, TOKENS_PER_SECOND = 60, 2.0


def oauth_router(clients: Clients, grants: Grants, authenticator: Authenticator, settings: SettingsHolder) -> APIRouter:
    """The routes. Over plain http on a network they say that personal tokens are the way."""
    router = APIRouter(tags=["oauth"])
    buckets = TokenBuckets()

    def issuer(request: Request) -> str:
        found = issuer_of(request.scope, settings.current.base_path)
        if found is None:
            raise Forbidden(NEEDS_HTTPS, code="oauth_needs_https")
        return found

    def told(document: dict[str, Any]) -> Response:
        return JSONResponse(document, headers={"cache-control": "no-store"})

    @router.get(SERVER_METADATA, summary="What the OAuth server can do (RFC 8414)")
    @router.get(SERVER_METADATA_ALIAS, summary="The same, where some clients look for it")
    async def server_metadata(request: Request) -> Response:
        return told(metadata.server_metadata(issuer(request)))

    @router.get(f"{RESOURCE_METADATA}/mcp", summary="Who issues tokens for /mcp (RFC 9728)")
    async def resource_metadata(request: Request) -> Response:
        return told(metadata.resource_metadata(issuer(request), "/mcp"))

    @router.get(f"{RESOURCE_METADATA}/mcp/{{server}}", summary="Who issues tokens for /mcp/{server}")
    async def server_resource_metadata(server: str, request: Request) -> Response:
        # Whether there is such a server is nobody's business here.
        if not server.isascii() or not server.replace("-", "").isalnum():
            raise NotFound("There is no such address.")
        return told(metadata.resource_metadata(issuer(request), f"/mcp/{server}"))

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
        asked = _single(parse_qsl(request.url.query, keep_blank_values=True))
        query = urlencode({name: asked[name] for name in ASKED if name in asked})
        return RedirectResponse(f"{settings.current.base_path}{metadata.CONSENT}?{query}", 302)

    @router.post(
        f"{metadata.CONSENT}/look",
        summary="What an app asks for, for the person who decides",
        openapi_extra=form_body(*_NEEDED, optional=_OPTIONAL),
    )
    async def look(request: Request) -> dict[str, Any]:
        actor = _person(authenticator.actor_for(request.scope))
        form = await _form(request)
        _single(form)
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
        form = await _form(request)
        given = _single(form)
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
        return {"ok": True, "data": {"redirect": allowed(asked, scopes, grants, row, actor, own)}}

    @router.post(
        metadata.TOKEN,
        responses=_PROTOCOL_ERRORS,
        summary="Tokens for a code or a refresh token",
        openapi_extra=_only_form(
            "grant_type",
            "client_id",
            optional=("code", "code_verifier", "redirect_uri", "refresh_token", "scope", "resource"),
        ),
    )
    async def token(request: Request) -> Response:
        own = issuer(request)
        throttle(request)
        try:
            _single(await _form(request))
        except BadRequest as error:
            return _protocol_error(error)
        from server.auth.oauth.provider import token_answer

        return await token_answer(request, clients, own, grants)

    @router.post(
        metadata.REGISTER,
        responses=_PROTOCOL_ERRORS,
        status_code=201,
        summary="Register a client (RFC 7591); forgotten after an hour unless a person lets it in",
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _REGISTRATION}}}},
    )
    async def register(request: Request) -> Response:
        own = issuer(request)
        _check_size(request)
        from server.auth.oauth.provider import registration_answer

        return await registration_answer(request, clients, own, address_of(request))

    # The SDK's handler wants a client_secret here, which public clients do not have.
    @router.post(
        metadata.REVOKE,
        responses=_PROTOCOL_ERRORS,
        summary="End a permission by one of its tokens (RFC 7009)",
        openapi_extra=_only_form("token", "client_id", optional=("token_type_hint",)),
    )
    async def revoke(request: Request) -> Response:
        issuer(request)
        throttle(request)
        try:
            given = _single(await _form(request))
        except BadRequest as error:
            return _protocol_error(error)
        client = clients.stored(text_of(given, "client_id"))
        if client is None:
            return JSONResponse({"error": "invalid_client"}, 401, headers={"cache-control": "no-store"})
        row = grants.row_of_any(text_of(given, "token"))
        if row is not None and row["client_id"] == client.row_id:
            await grants.end(row["id"])
        return JSONResponse({}, headers={"cache-control": "no-store"})

    def throttle(request: Request) -> None:
        key = address_of(request)
        decision = buckets.take(key, rate=TOKENS_PER_SECOND, burst=TOKENS_AT_ONCE, now=time.monotonic())
        if not decision.allowed:
            raise RateLimited("Too many token requests. Wait.", retry_after=decision.retry_after)

    return router


def _person(actor: Actor) -> Actor:
    if actor.kind != "user" or actor.user_id is None:
        raise Forbidden("This is done in a signed-in session.", code="session_needed")
    if actor.must_enrol:
        raise Forbidden("Set up a second factor first; your role needs one.", code="second_factor_needed")
    return actor


def _check_size(request: Request) -> None:
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > FORM_BYTES or "transfer-encoding" in request.headers:
        raise TooLarge(f"The body has at most {FORM_BYTES} bytes and tells its length.")


async def _form(request: Request) -> list[tuple[str, Any]]:
    _check_size(request)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise BadRequest("Send a form (application/x-www-form-urlencoded).", code="invalid_request")
    return list((await request.form(max_files=0, max_fields=30)).multi_items())


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The parameters by name. Raises BadRequest when one is there twice: two readers could read different ones."""
    single = dict(pairs)
    if len(single) != len(pairs):
        raise BadRequest("A parameter is there twice.", code="invalid_request")
    return single


def _protocol_error(error: BadRequest) -> Response:
    """An error as clients of OAuth read it (RFC 6749, 5.2)."""
    told = {"error": "invalid_request", "error_description": error.message}
    return JSONResponse(told, 400, headers={"cache-control": "no-store"})


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": name in _NEEDED, "schema": {"type": "string"}}


def _only_form(*names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    body = form_body(*names, optional=optional)
    body["requestBody"]["content"].pop("application/json")
    return body


_REGISTRATION: dict[str, Any] = {
    "type": "object",
    "required": ["redirect_uris"],
    "properties": {
        "redirect_uris": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "client_name": {"type": "string"},
        "scope": {"type": "string"},
    },
}
