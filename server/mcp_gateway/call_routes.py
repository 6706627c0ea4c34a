"""/api/v1/gateway/call and /calls: one call of a tool over REST, on the same way as every other."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.access.actor import Actor
from server.errors import (
    Busy,
    Conflict,
    Forbidden,
    GridBearError,
    NotFound,
    RateLimited,
    UpstreamFailed,
    ValidationFailed,
)
from server.mcp_gateway.asked_calls import Asked, AskedCalls
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.failures import (
    APPROVAL_NEEDED,
    CIRCUIT_OPEN,
    INVALID_PARAMS,
    RATE_LIMITED,
    WAITS_FOR_APPROVAL,
    CallFailed,
)

_CLIENT = "REST"
CallKey = Annotated[str, Path(min_length=1, max_length=64)]


class ToolCallWanted(BaseModel):
    """What is to be called."""

    model_config = ConfigDict(extra="forbid")

    tool: str = Field(min_length=1, max_length=200, description="As /mcp lists it, such as time__get_time.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="As the tool's schema wants them.")
    takes_questions: bool = Field(
        False,
        description="When its server asks something meanwhile (elicitation, sampling), the answer is `asked`, with "
        "the key of the call and the questions; it goes on when they are answered.",
    )


class AnswersGiven(BaseModel):
    """What a server asked, answered."""

    model_config = ConfigDict(extra="forbid")

    answers: dict[str, dict[str, Any]] = Field(
        min_length=1, max_length=100, description="By the id of each question: the result as the protocol has it."
    )


Call = Callable[[Caller, str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Calls a tool by its public name."""


def call_router(make: Call, asked: AskedCalls, enter: Callable[[Request, Response], Actor]) -> APIRouter:
    """`enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1")

    def calling(request: Request, response: Response) -> Actor:
        actor = enter(request, response)
        if actor.user_id is None or not (actor.has_scope("api") and actor.reaches_tools):
            raise Forbidden("Calling tools over REST wants a person's session, or a token with the scopes api and mcp.")
        return actor

    async def told(answer: Awaitable[dict[str, Any] | Asked]) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            result = await answer
        except CallFailed as failure:
            raise as_error(failure) from failure
        took_ms = round((time.perf_counter() - began) * 1000, 3)
        if isinstance(result, Asked):
            return {"ok": True, "data": {"asked": {"call": result.key, "questions": result.questions}}}
        return {"ok": True, "data": {"result": result, "took_ms": took_ms}}

    @router.post("/gateway/call", tags=["gateway"], summary="Call a tool; the result is as its server wrote it")
    async def call(wanted: ToolCallWanted, request: Request, response: Response) -> dict[str, Any]:
        actor = calling(request, response)
        _writable("arguments", wanted.arguments)
        if wanted.takes_questions:
            return await told(asked.begin(actor, _CLIENT, wanted.tool, wanted.arguments))
        return await told(make(Caller(actor=actor, client=_CLIENT), wanted.tool, wanted.arguments))

    @router.post(
        "/gateway/calls/{key}/answers", tags=["gateway"], summary="Answer a question of a server in a call of yours"
    )
    async def answer(given: AnswersGiven, key: CallKey, request: Request, response: Response) -> dict[str, Any]:
        actor = calling(request, response)
        _writable("answers", given.answers)
        return await told(asked.answer(actor, key, given.answers))

    @router.delete("/gateway/calls/{key}", tags=["gateway"], summary="End a call of yours that waits for answers")
    async def cancel(key: CallKey, request: Request, response: Response) -> dict[str, Any]:
        asked.cancel(calling(request, response), key)
        return {"ok": True, "data": {"key": key}}

    return router


def _writable(field: str, value: dict[str, Any]) -> None:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        message = "text that is no valid Unicode, or a number of more than 64 bits, is possible nowhere in it"
        raise ValidationFailed.of(field, "invalid_value", message) from error


def as_error(failure: CallFailed) -> GridBearError:
    """What REST says of a call that failed."""
    if failure.by_server and failure.code != INVALID_PARAMS:
        # Its codes and data may look like ours and mean something else.
        return UpstreamFailed(failure.message)
    wait = failure.data.get("retry_after") if isinstance(failure.data, dict) else None
    if failure.code == RATE_LIMITED:
        return RateLimited(failure.message, retry_after=wait or 1.0)
    if failure.code == CIRCUIT_OPEN:
        return Busy(failure.message, retry_after=wait or 1.0)
    if failure.code == WAITS_FOR_APPROVAL:
        return Conflict(failure.message, code="waits_for_approval")
    if failure.code == APPROVAL_NEEDED:
        return Forbidden(failure.message, code=f"approval_{failure.data['state']}", retry_after=wait)
    if failure.code == INVALID_PARAMS:
        return NotFound(failure.message)
    return UpstreamFailed(failure.message, retry_after=wait)
