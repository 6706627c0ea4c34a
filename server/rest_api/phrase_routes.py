"""/api/v1/backups/recovery-phrase: the words that open the secrets of every backup. For admins alone."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server.access.actor import Actor
from server.access.demands import demand_admin
from server.asgi.answer import Answer
from server.asgi.body import read_body
from server.asgi.json_body import parse_object
from server.config import SettingsHolder
from server.errors import FieldError, Unauthorized
from server.records.service import Records
from server.records.values import raise_for
from server.rest_api.gate import RestGate
from server.secrets.vault import PHRASE_WAITS_SECONDS

PHRASE_MAX_LENGTH = 1000


class PhraseState(BaseModel):
    """Whether a recovery phrase is in force."""

    state: Literal["none", "kept"]
    since: str | None = Field(description="When it was typed back (UTC), null while none is in force")
    waits: bool = Field(description="Whether a new phrase was shown and waits to be typed back")


class NewPhrase(BaseModel):
    """A phrase that is shown this once."""

    phrase: str = Field(description="Twelve words")
    expires_in: int = Field(description="Seconds in which it can be typed back")


class TypedPhrase(BaseModel):
    """The whole phrase, typed back."""

    phrase: str = Field(max_length=PHRASE_MAX_LENGTH)


def phrase_router(records: Records, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The router. It comes before that of the backups, whose names it would else be taken for."""
    router = APIRouter(prefix="/api/v1/backups/recovery-phrase", tags=["backups"])
    vault = records.shelf.vault

    def admin(request: Request, response: Response, *, scope: Literal["api", "api:read"]) -> Actor:
        response.headers["cache-control"] = "private, no-store"
        actor = gate.enter_route(request, response)
        if not actor.is_signed_in:
            raise Unauthorized("Sign in first.")
        return demand_admin(actor, "The recovery phrase opens every secret, so it is for admins alone.", scope)

    def state() -> dict[str, Any]:
        since = vault.phrase_kept_at
        return {"state": "none" if since is None else "kept", "since": since, "waits": vault.phrase_waits}

    @router.get(
        "",
        summary="Whether a recovery phrase is in force (admins)",
        responses={200: {"model": Answer[PhraseState]}},
    )
    async def show(request: Request, response: Response) -> Any:
        admin(request, response, scope="api:read")
        return {"ok": True, "data": state()}

    @router.post(
        "",
        status_code=201,
        summary="Make a new recovery phrase (admins); it is shown this once and in force when it was typed back",
        responses={201: {"model": Answer[NewPhrase]}},
    )
    async def propose(request: Request, response: Response) -> Any:
        admin(request, response, scope="api")
        response.headers["location"] = f"{settings.current.base_path}/api/v1/backups/recovery-phrase"
        return {"ok": True, "data": {"phrase": vault.propose_phrase(), "expires_in": int(PHRASE_WAITS_SECONDS)}}

    @router.post(
        "/confirm",
        summary="Type the new phrase back (admins); it replaces the one before, for all later backups",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": TypedPhrase.model_json_schema()}},
            }
        },
        responses={200: {"model": Answer[PhraseState]}},
    )
    async def confirm(request: Request, response: Response) -> Any:
        actor = admin(request, response, scope="api")
        given = parse_object(await read_body(request.receive, request.scope, settings.current.rest_body_bytes))
        await asyncio.to_thread(vault.confirm_phrase, _phrase(given))
        await records.note("recovery_phrase_set", actor)
        return {"ok": True, "data": state()}

    return router


def _phrase(given: dict[str, Any]) -> str:
    errors = {name: FieldError("unknown_field", "only phrase is wanted") for name in given if name != "phrase"}
    phrase = given.get("phrase")
    if not isinstance(phrase, str):
        errors["phrase"] = FieldError("required", "the words, with spaces between them, are wanted")
    elif len(phrase) > PHRASE_MAX_LENGTH:
        errors["phrase"] = FieldError("too_long", f"at most {PHRASE_MAX_LENGTH} characters")
    raise_for(errors)
    return str(phrase)
