"""/api/v1/server/log: the lines that the server wrote, for admins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from server.asgi.answer import Answer
from server.config import SettingsHolder
from server.data_folder import DataFolder
from server.errors import Forbidden, NotFound, ValidationFailed
from server.log_lines import USUAL_NAME, Level, LogFiles, LogLine, Place, Wanted
from server.mcp_gateway.activity.redaction import Redactor
from server.rest_api.gate import RestGate

MOST_LINES = 500
MOST_BARS = 500
MESSAGE_LENGTH = 1_000
AT_ONCE = 2
"""So many questions read the files at the same time; others wait."""
_USUAL_STRETCH = timedelta(hours=1)

Since = Annotated[AwareDatetime | None, Query(description="From this moment on.")]
Until = Annotated[AwareDatetime | None, Query(description="Before this moment.")]
Words = Annotated[str, Query(max_length=200, description="Lines that have this in them, in small or capital letters.")]


class LineShown(BaseModel):
    """One line of the log, with secrets blacked out."""

    id: str = Field(description="Where it stands; for `/lines/{id}`, as long as its file is kept.")
    time: datetime
    level: Level | None = Field(description="null for text that no logger wrote.")
    logger: str
    request_id: str | None
    message: str = Field(description=f"The first line; in lists its first {MESSAGE_LENGTH} characters.")
    more_lines: int = Field(description="How many lines belong to it beside the first, such as those of a traceback.")


class LineWhole(LineShown):
    """One line with all that belongs to it."""

    more: str = Field(description="The lines after the first.")
    cut: bool = Field(description="Whether the file has more of it than is shown here.")


class Lines(BaseModel):
    """Some lines, and where they come from."""

    lines: list[LineShown] = Field(description="The latest first.")
    next: str | None = Field(description="For `cursor`: the lines before these. There may be some even if none came.")
    file: str = Field(description="The file in the data folder's `logs` that is read.")
    kept: bool = Field(description="Whether lines are written there now; otherwise they go to stderr alone.")


class Bar(BaseModel):
    """How many lines there are from one moment to that of the next bar."""

    time: datetime
    debug: int
    info: int
    warning: int
    error: int = Field(description="ERROR and CRITICAL.")


class Bars(BaseModel):
    """Those with lines in them, the earliest first."""

    bars: list[Bar]
    counted_from: datetime | None = Field(description="Lines before it were too many to count; null: all are counted.")


def log_router(settings: SettingsHolder, gate: RestGate, redactor: Callable[[], Awaitable[Redactor]]) -> APIRouter:
    """The routes. `redactor` gives what blacks out the secrets of this moment."""
    router = APIRouter(prefix="/api/v1/server/log", tags=["server"])
    reading = asyncio.Semaphore(AT_ONCE)

    def files() -> LogFiles:
        current = settings.current
        return LogFiles(DataFolder(current.data_dir).logs, current.log_file or USUAL_NAME)

    @router.get("/lines", summary="What the server wrote in its log, the latest first (admins)")
    async def lines(
        request: Request,
        response: Response,
        level: Annotated[Level, Query(description="The lowest level.")] = "DEBUG",
        q: Words = "",
        since: Since = None,
        until: Until = None,
        cursor: Annotated[str | None, Query(max_length=60, description="`next` of the answer before.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_LINES)] = 100,
    ) -> Answer[Lines]:
        _admin(gate, request, response)
        before = None if cursor is None else _place(cursor, "cursor")
        redact = (await redactor()).text
        wanted = Wanted(redact=redact, lowest=level, words=q, since=_seconds(since), until=_seconds(until))
        log = files()
        async with reading:
            found = await asyncio.to_thread(log.lines, wanted, limit, before)
        shown = Lines(
            lines=[LineShown.model_validate(_shown(line, MESSAGE_LENGTH)) for line in found.lines],
            next=None if found.next is None else str(found.next),
            file=settings.current.log_file or USUAL_NAME,
            kept=bool(settings.current.log_file) or log.is_stderr(),
        )
        return Answer[Lines](data=shown)

    @router.get("/lines/{line_id}", summary="One line of the log with all that belongs to it (admins)")
    async def line(request: Request, response: Response, line_id: str) -> Answer[LineWhole]:
        _admin(gate, request, response)
        place = Place.of(line_id)
        redact = (await redactor()).text
        async with reading:
            found = None if place is None else await asyncio.to_thread(files().line, place, redact)
        if found is None:
            raise NotFound("There is no such line; the oldest lines go when the log is begun anew.")
        return Answer[LineWhole](data=LineWhole.model_validate({**_shown(found), "more": found.more, "cut": found.cut}))

    @router.get("/histogram", summary="How many lines of the log there are, by time and level (admins)")
    async def histogram(
        request: Request,
        response: Response,
        since: Annotated[AwareDatetime | None, Query(description="The first bar begins here; an hour ago.")] = None,
        until: Annotated[AwareDatetime | None, Query(description="The last bar ends here; now.")] = None,
        step: Annotated[int, Query(ge=1, le=10**9, description="Seconds of one bar.")] = 60,
        q: Words = "",
    ) -> Answer[Bars]:
        _admin(gate, request, response)
        end = (until or datetime.now(UTC)).timestamp()
        begin = end - _USUAL_STRETCH.total_seconds() if since is None else since.timestamp()
        if not begin < end:
            raise ValidationFailed.of("until", "not_after_since", "must be later than since")
        if (end - begin) / step > MOST_BARS:
            raise ValidationFailed.of("step", "too_many_bars", f"there may be {MOST_BARS} bars: ask for longer ones")
        wanted = Wanted(redact=(await redactor()).text, words=q)
        async with reading:
            counted = await asyncio.to_thread(files().count, wanted, begin, end, step)
        bars = [
            Bar(
                time=_moment(begin + number * step),
                debug=levels["DEBUG"],
                info=levels["INFO"],
                warning=levels["WARNING"],
                error=levels["ERROR"] + levels["CRITICAL"],
            )
            for number, levels in sorted(counted.bars.items())
        ]
        reached = counted.reached
        return Answer[Bars](data=Bars(bars=bars, counted_from=None if reached is None else _moment(reached)))

    return router


def _shown(line: LogLine, longest: int | None = None) -> dict[str, object]:
    text = line.text
    return {
        "id": str(line.place),
        "time": _moment(line.time),
        "level": line.level,
        "logger": line.logger,
        "request_id": None if line.request_id in ("", "-") else line.request_id,
        "message": text if longest is None or len(text) <= longest else f"{text[:longest]}…",
        "more_lines": line.more.count("\n") + 1 if line.more else 0,
    }


def _place(text: str, name: str) -> Place:
    place = Place.of(text)
    if place is None:
        raise ValidationFailed.of(name, "invalid_cursor", "is not one that an answer of this list had as next")
    return place


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _admin(gate: RestGate, request: Request, response: Response) -> None:
    if not gate.enter_route(request, response).is_admin:
        raise Forbidden("Only admins read the log of the server.")
