"""Exports and imports under /api/v1: streams in and out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, cast

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from server.asgi.answer import Answer
from server.asgi.known_parameters import FILTERS
from server.asgi.query import query_pairs
from server.asgi.request_key import REPLAYED, key_in, key_parameter
from server.config import SettingsHolder
from server.errors import TooLarge, ValidationFailed
from server.records.exporting import EXPORT_FORMATS
from server.records.filters import truth
from server.records.import_csv import DELIMITERS
from server.records.import_files import IMPORT_FORMATS
from server.records.import_key import SentImport
from server.records.import_plan import IMPORT_MODES, ImportOptions
from server.records.literals import json_value
from server.records.transfers import Transfers
from server.records.values import BadValue
from server.rest_api.closed_stream import ClosedStream
from server.rest_api.gate import RestGate

_TEXT = {"type": "string"}
_TRUTH = {"type": "boolean", "default": False}
_FILE = {"schema": {"type": "string", "format": "binary"}}


def _asked(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


_EXPORT: dict[str, Any] = {
    "parameters": [
        _asked("format", {"type": "string", "enum": list(EXPORT_FORMATS), "default": "csv"}, "What to write"),
        _asked("fields", _TEXT, "Only these fields, with commas"),
        _asked("sort", _TEXT, "As in a list; by id unless told"),
        _asked("q", _TEXT, "Full text, as in a list"),
        _asked("domain", _TEXT, "As in a list"),
        FILTERS,
        _asked("bom", _TRUTH, "Begin a CSV with a byte order mark, for Excel"),
    ],
    "responses": {
        "200": {
            "description": "The file; an answer that breaks off is not whole",
            "content": dict.fromkeys(("text/csv", "application/json", "application/x-ndjson"), _FILE),
        }
    },
}
_FILE_PARAMETERS = [
    _asked("format", {"type": "string", "enum": list(IMPORT_FORMATS)}, "What the file is; its beginning tells, too"),
    _asked("delimiter", {"type": "string", "enum": list(DELIMITERS)}, "Of a CSV; the first line tells, too"),
    _asked("table", _TEXT, "Of a SQLite file with more than one"),
]
_BODY = {"required": True, "content": {"application/octet-stream": _FILE, "text/csv": _FILE}}
_IMPORT: dict[str, Any] = {
    "parameters": [
        *_FILE_PARAMETERS,
        _asked("mode", {"type": "string", "enum": list(IMPORT_MODES), "default": "all"},
               "`all`: every row or none; `skip_bad`: what is good"),
        _asked("dry_run", _TRUTH, "Only tell what would happen"),
        _asked("mapping", _TEXT, 'JSON object, column to field: `{"Name": "title", "Junk": null}`'),
        _asked("ignore_unknown", _TRUTH, "Leave out columns that are no field"),
        _asked("keep_ids", _TRUTH, "Keep id, times and owner of the rows; for admins"),
        _asked("owner", _TEXT, "Id or name of the person whose records they become; for admins"),
        key_parameter("the same import with it, sent again within 24 hours, takes no row twice"),
    ],
    "requestBody": _BODY,
}  # fmt: skip
_GUESS: dict[str, Any] = {
    "parameters": [*_FILE_PARAMETERS, _asked("name", _TEXT, "Name for the suggested model")],
    "requestBody": _BODY,
}


class RunningImport(BaseModel):
    """One import that is under way."""

    model: str
    phase: Literal["reading", "storing"]
    part: float = Field(description="Of the file, from 0 to 1, that was read")
    rows: int = Field(description="Rows read so far")


def transfer_router(transfers: Transfers, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["transfer"])

    @router.get(
        "/{model}/export", summary="Export all records of a model", openapi_extra=_EXPORT, response_class=Response
    )
    async def export(model: str, request: Request, response: Response) -> Response:
        actor = gate.enter_route(request, response, records=True)
        planned = transfers.plan_export(actor, model, query_pairs(request.scope))
        chunks = transfers.chunks(planned)
        # The first piece before the answer begins, so that what fails at once is told as an error.
        first = await anext(chunks, b"")
        headers = {
            "content-disposition": f'attachment; filename="{planned.filename}"',
            "cache-control": "private, no-store",
            "ratelimit": response.headers["ratelimit"],
        }
        return ClosedStream(first, chunks, headers=headers, media_type=planned.media_type)

    @router.post("/{model}/import", summary="Import records of a model", openapi_extra=_IMPORT)
    async def import_(model: str, request: Request, response: Response) -> Any:
        actor = gate.enter_route(request, response, records=True)
        options = import_options(query_pairs(request.scope))
        _refuse_too_large(request, settings.current.import_body_bytes)
        key = key_in(request.scope["headers"])
        sent = None if key is None else SentImport(key, f"import {model}?{request.url.query}")
        try:
            if sent is None or options.dry_run:
                return {"ok": True, "data": await transfers.import_stream(actor, model, options, _body(request))}
            report, replayed = await transfers.import_once(actor, model, options, _body(request), sent)
        except ClientDisconnect:
            # Nobody is left to answer, and nothing was begun.
            return Response(status_code=204)
        if replayed:
            name, value = REPLAYED
            response.headers[name.decode()] = value.decode()
        return {"ok": True, "data": report}

    @router.get("/import/running", summary="How far your imports are")
    async def running(request: Request, response: Response) -> Answer[list[RunningImport]]:
        found = transfers.running(gate.enter_route(request, response))
        return Answer[list[RunningImport]](
            data=[RunningImport.model_validate(one, from_attributes=True) for one in found]
        )

    @router.post("/import/guess", summary="What a file holds, and a model for it", openapi_extra=_GUESS)
    async def guess(request: Request, response: Response) -> Any:
        gate.enter_route(request, response)
        pairs = dict(query_pairs(request.scope))
        name = pairs.pop("name", "rows")
        options = import_options(list(pairs.items()))
        try:
            return {"ok": True, "data": await transfers.guess(options, name, _body(request))}
        except ClientDisconnect:
            return Response(status_code=204)

    return router


def import_options(pairs: list[tuple[str, str]]) -> ImportOptions:
    """The parameters of an import. Raises ValidationFailed naming the one that can't be used."""
    found: dict[str, Any] = {}
    for name, text in pairs:
        try:
            found[name] = _option(name, text)
        except BadValue as bad:
            raise ValidationFailed.of(name, bad.code, bad.message) from None
    return ImportOptions(**found)


def _option(name: str, text: str) -> Any:
    choices = {"format": IMPORT_FORMATS, "mode": IMPORT_MODES, "delimiter": DELIMITERS}.get(name)
    if choices is not None:
        value = "\t" if name == "delimiter" and text in ("tab", "\\t") else text
        if value not in choices:
            raise BadValue("unknown_choice", f"one of {', '.join(map(repr, choices))}")
        return value
    if name in ("dry_run", "ignore_unknown", "keep_ids"):
        return truth(text)
    if name == "mapping":
        mapping = json_value(text)
        if not isinstance(mapping, dict) or not all(v is None or isinstance(v, str) for v in mapping.values()):
            raise BadValue("wrong_type", 'an object such as {"Name": "title", "Junk": null} is wanted')
        return cast(dict[str, str | None], mapping)
    if name in ("owner", "table") and text:
        return text
    raise BadValue("unknown_parameter", "this parameter is not known here, or is empty")


def _refuse_too_large(request: Request, limit: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise TooLarge(f"the file is larger than the limit of {limit} bytes (import_body_bytes)")


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk
