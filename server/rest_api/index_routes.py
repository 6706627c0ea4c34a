"""/api/v1/server/slow-lists and /api/v1/server/indexes: what is slow, and indexes against it. For admins alone."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.asgi.answer import Answer, ListAnswer
from server.asgi.json_shape import read_shape, taken
from server.config import SettingsHolder
from server.db.conditions import leaves
from server.records.index_advice import Effect, Reason
from server.records.index_desk import IndexDesk, MadeIndex, SlowList, admins_only
from server.records.list_words import list_order, list_query
from server.rest_api.gate import RestGate

_FIELDS = Field(description="In order; with a minus those that run downwards, as in `sort`.")


class ComparedShown(BaseModel):
    """One comparison of a list. Its value is not kept."""

    field: str
    operator: str


class SuggestionShown(BaseModel):
    """An index that would help."""

    fields: list[str] = _FIELDS
    effect: Effect = Field(description="quick: no row is read in vain; fewer_rows: fewer are, and those are sorted.")
    bytes: int = Field(description="About what it would take.")


class SlowListShown(BaseModel):
    """One list that took work since the start of the server."""

    model: str
    query: str = Field(description="In the syntax of the API, … in the place of every value.")
    compares: list[ComparedShown]
    sort: list[str]
    search: bool = Field(description="It searches the full text (`q`).")
    own_only: bool = Field(description="It was asked for by somebody who sees their own records alone.")
    count: int = Field(description="How often it took work. What is answered at once is not counted.")
    interrupted: int = Field(description="How often it was stopped for taking too long, and went on in a thread.")
    median_ms: float = Field(description="Of the latest 64 times, waiting for a thread included.")
    p95_ms: float
    last_at: datetime
    rows: int = Field(description="That the model has now.")
    rows_read: int | None = Field(description="All of them where the plan says so; else it is not known.")
    suggestion: SuggestionShown | None
    reason: Reason | None = Field(
        description="Why no index is suggested. index_made: an admin's index answers it now; plan_is_good: an index "
        "answers it already, what takes time is counting (`total`), or many or long records; few_rows: too few to "
        "matter; full_text: `q` has an index of its own; pattern: like and ilike look at every text; no_index_helps."
    )
    index: list[str] | None = Field(description="The fields of the admin's index that answers it now.")


class IndexShown(BaseModel):
    """An index that an admin has made."""

    model: str
    fields: list[str] = _FIELDS
    rows: int
    bytes: int = Field(description="About what it takes.")
    superfluous: bool = Field(description="Another index of the model does all that it does.")


class NewIndex(BaseModel):
    """What is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    fields: list[str] = _FIELDS


class NewIndexShown(BaseModel):
    """What it took to make it."""

    model: str
    fields: list[str]
    bytes: int
    milliseconds: float


def index_router(desk: IndexDesk, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/server", tags=["server"])

    @router.get("/slow-lists", summary="Lists that took work, and indexes that would help them (admins)")
    async def slow_lists(request: Request, response: Response) -> ListAnswer[SlowListShown]:
        found = await desk.slow_lists(gate.enter_route(request, response))
        return ListAnswer[SlowListShown](data=[_slow_shown(one) for one in found], count=len(found))

    @router.get("/indexes", summary="Indexes that admins have made (admins)")
    async def indexes(request: Request, response: Response) -> ListAnswer[IndexShown]:
        found = await desk.made(gate.enter_route(request, response))
        return ListAnswer[IndexShown](data=[_made_shown(one) for one in found], count=len(found))

    @router.post("/indexes", status_code=201, summary="Make an index (admins)", openapi_extra=taken(NewIndex))
    async def add(request: Request, response: Response) -> Answer[NewIndexShown]:
        actor = gate.enter_route(request, response)
        admins_only(actor, "api")
        wanted = await read_shape(request, NewIndex, settings.current.rest_body_bytes)
        made = await desk.add(actor, wanted.model, wanted.fields)
        shown = NewIndexShown(
            model=made.model, fields=list(made.fields), bytes=made.bytes, milliseconds=round(made.seconds * 1000, 1)
        )
        return Answer[NewIndexShown](data=shown)

    @router.delete(
        "/indexes/{model}/{fields}", summary="Remove an index that was made; `fields` with commas between them (admins)"
    )
    async def remove(model: str, fields: str, request: Request, response: Response) -> Answer[None]:
        await desk.remove(gate.enter_route(request, response), model, fields.split(","))
        return Answer[None](data=None)

    return router


def _slow_shown(one: SlowList) -> SlowListShown:
    shape, seen, advice = one.shape, one.seen, one.advice
    suggestion = None
    if advice.index is not None and advice.effect is not None:
        suggestion = SuggestionShown(fields=list(advice.index), effect=advice.effect, bytes=one.index_bytes or 0)
    return SlowListShown(
        model=one.model,
        query=list_query(shape),
        compares=[ComparedShown(field=leaf.column, operator=leaf.operator) for leaf in leaves(shape.condition)],
        sort=list_order(shape),
        search=shape.search,
        own_only=shape.owned_by is not None,
        count=seen.count,
        interrupted=seen.interrupted,
        median_ms=round(seen.share(0.5) * 1000, 2),
        p95_ms=round(seen.share(0.95) * 1000, 2),
        last_at=seen.last,
        rows=one.rows,
        rows_read=one.rows if advice.reads_all else None,
        suggestion=suggestion,
        reason=advice.reason,
        index=None if advice.answered_by is None else list(advice.answered_by),
    )


def _made_shown(one: MadeIndex) -> IndexShown:
    return IndexShown(
        model=one.model, fields=list(one.fields), rows=one.rows, bytes=one.bytes, superfluous=one.superfluous
    )
