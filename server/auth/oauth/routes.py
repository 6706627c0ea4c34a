"""/oauth/* and /.well-known/*, as programs ask for them: metadata, registration, tokens."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.auth.forms import address_of, form_body, text_of
from server.auth.oauth import metadata
from server.auth.oauth.addresses import (
    RESOURCE_METADATA,
    SERVER_METADATA,
    SERVER_METADATA_ALIAS,
    https_issuer,
)
from server.auth.oauth.bodies import check_size, read_form, single
from server.auth.oauth.clients import Clients
from server.auth.oauth.grants import Grants
from server.config import SettingsHolder
from server.errors import BadRequest, NotFound, RateLimited
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
TOKENS_AT_ONCE, TOKENS_PER_SECOND = 60, 2.0


def oauth_router(clients: Clients, grants: Grants, settings: SettingsHolder) -> APIRouter:
    """The routes. Over plain http on a network they say that personal tokens are the way."""
    router = APIRouter(tags=["oauth"])
    buckets = TokenBuckets()

    def issuer(request: Request) -> str:
        return https_issuer(request.scope, settings.current.base_path)

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
            single(await read_form(request))
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
        check_size(request)
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
            given = single(await read_form(request))
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


def _protocol_error(error: BadRequest) -> Response:
    """An error as clients of OAuth read it (RFC 6749, 5.2)."""
    told = {"error": "invalid_request", "error_description": error.message}
    return JSONResponse(told, 400, headers={"cache-control": "no-store"})


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
