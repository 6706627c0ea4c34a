"""/auth/users/{id}/leave: deleting a person, and what becomes of their records."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.asgi.answer import Answer
from server.auth.authenticate import Authenticator
from server.auth.forms import UserId, read_form
from server.auth.leaving import Choice, Fate, Leaving
from server.errors import ValidationFailed
from server.problem_words import problem_words


class Leave(BaseModel):
    """What becomes of the records: `transfer_to` or `trash`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    transfer_to: int | None = Field(None, ge=1, lt=1 << 63, description="Id of the person who gets them")
    trash: bool = Field(False, description="They are deleted; an admin can bring them back for `trash_days`")
    dry_run: bool = Field(False, description="Only tell what would happen")


class LeftLine(BaseModel):
    """One model and field that names the person."""

    model: str
    field: str
    records: int
    fate: Fate


def leave_router(leaving: Leaving, authenticator: Authenticator) -> APIRouter:
    """The route."""
    router = APIRouter(prefix="/auth", tags=["auth"])
    body = {"required": True, "content": {"application/json": {"schema": Leave.model_json_schema()}}}

    @router.post(
        "/users/{user_id}/leave",
        summary="Delete a person, and say what becomes of their records; for admins",
        openapi_extra={"requestBody": body},
    )
    async def leave(user_id: UserId, request: Request) -> Answer[list[LeftLine]]:
        actor = authenticator.actor_for(request.scope)
        asked = _parsed(dict(await read_form(request)))
        choice = Choice(asked.transfer_to, asked.trash)
        lines = await leaving.leave(actor, user_id, choice, dry_run=asked.dry_run)
        return Answer[list[LeftLine]](data=[LeftLine.model_validate(line) for line in lines])

    return router


def _parsed(given: dict[str, Any]) -> Leave:
    try:
        return Leave.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        raise ValidationFailed.of(name, "invalid", problem_words(first)) from None
