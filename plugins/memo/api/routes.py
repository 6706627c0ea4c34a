"""What the page needs beside the records themselves: understanding a sentence, finishing and snoozing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from server.plugin_api import Caller, Context

from ..book import Book, now

router = APIRouter()
MemoId = Annotated[int, Path(ge=1, lt=1 << 53)]


class Sentence(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sentence: str = Field(max_length=2000)
    time_zone: str | None = None


class Until(BaseModel):
    model_config = ConfigDict(extra="forbid")

    until: str = Field(max_length=200)
    time_zone: str | None = None


@router.post("/understand")
async def understand(given: Sentence, caller: Caller, plugin: Context) -> dict[str, Any]:
    """How a sentence is read: the fields of a reminder, `when` and `again` in words. Nothing is kept."""
    return _answer(await _book(caller, plugin).understand(given.sentence, now(), given.time_zone))


@router.post("/", status_code=201)
async def add(given: Sentence, caller: Caller, plugin: Context) -> dict[str, Any]:
    """Keep a reminder as the sentence says it."""
    return _answer(await _book(caller, plugin).add(given.sentence, now(), given.time_zone))


@router.post("/{memo_id}/done")
async def done(memo_id: MemoId, caller: Caller, plugin: Context) -> dict[str, Any]:
    """Finish one, or this time of one that repeats."""
    return _answer(await _book(caller, plugin).done(memo_id, now()))


@router.post("/{memo_id}/snooze")
async def snooze(memo_id: MemoId, given: Until, caller: Caller, plugin: Context) -> dict[str, Any]:
    """Let one ring later."""
    return _answer(await _book(caller, plugin).snooze(memo_id, given.until, now(), given.time_zone))


def _book(caller: Caller, plugin: Context) -> Book:
    return Book(plugin, caller, plugin.records_as(caller))


def _answer(data: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "data": data}
