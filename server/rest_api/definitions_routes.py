"""/api/v1/server/model-definitions: what people declared their own models as, as one file, out and in; for admins."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from server.asgi.answer import Answer
from server.asgi.body import read_body
from server.asgi.json_body import parse_object
from server.config import SettingsHolder
from server.models.own_definition import OwnDefinition
from server.records.definitions_file import FORMAT, DefinitionsFile
from server.rest_api.gate import RestGate

_OBJECT = {"type": "object", "required": ["format", "version", "models"]}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": _OBJECT}}}}


class File(BaseModel):
    """The file."""

    format: Literal["gridbear-models"]
    version: Literal[1]
    models: list[OwnDefinition]


class LostValues(BaseModel):
    field: str
    change: str = Field(description="`dropped` or `converted to` a type")
    records: int = Field(description="Records that have a value in the field")


class ChangedField(BaseModel):
    name: str
    change: Literal["added", "removed", "changed"]
    parts: list[str] = Field(description="Of a changed field: what of its declaration")


class PlannedStep(BaseModel):
    """What happens to one model."""

    model: str
    label: str
    action: Literal["create", "change", "none"]
    parts: list[str] = Field(description="What of its declaration changes, fields aside")
    fields: list[ChangedField]
    losses: list[LostValues]


def definitions_router(file: DefinitionsFile, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/server", tags=["models"])

    @router.get(
        "/model-definitions",
        summary="The definitions of your own models as a file (admins)",
        response_class=Response,
        responses={200: {"model": File, "description": "The file, without the records"}},
    )
    async def write(request: Request, response: Response, models: str = "") -> Response:
        actor = gate.enter_route(request, response)
        names = frozenset(name for name in models.split(",") if name) or None
        written = orjson.dumps(file.written(actor, names), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        headers = {
            "content-disposition": f'attachment; filename="{FORMAT}.json"',
            "cache-control": "private, no-store",
            "ratelimit": response.headers["ratelimit"],
        }
        return Response(written, media_type="application/json", headers=headers)

    @router.post(
        "/model-definitions",
        summary="Make and change models as such a file says (admins); `dry_run` tells what, `confirm` accepts losses",
        response_model=Answer[list[PlannedStep]],
        openapi_extra=_BODY,
    )
    async def take_over(
        request: Request, response: Response, dry_run: bool = False, confirm: bool = False
    ) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        given = parse_object(await read_body(request.receive, request.scope, settings.current.rest_body_bytes))
        steps = await (file.plan(actor, given) if dry_run else file.take_over(actor, given, confirmed=confirm))
        return {"ok": True, "data": [asdict(step) for step in steps]}

    return router
