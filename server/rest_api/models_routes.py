"""/api/v1/models: the models that a caller may use, and for admins the making of own ones."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from server.asgi.body import read_body
from server.asgi.json_body import parse_object
from server.config import SettingsHolder
from server.models.own_definition import OwnDefinition
from server.models.registry import ModelSpec, unknown_model
from server.records.own_models import OwnModels
from server.records.service import Records
from server.rest_api.gate import RestGate
from server.rest_api.schema import describe_model

_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
_DEFINITION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": OwnDefinition.model_json_schema(ref_template="#/components/schemas/{model}")
                | {"$defs": {}, "title": "OwnDefinition"},
                "example": {
                    "name": "books",
                    "label": "Book",
                    "label_plural": "Books",
                    "fields": [
                        {"name": "title", "type": "text", "required": True, "searchable": True},
                        {"name": "year", "type": "integer", "indexed": True},
                        {"name": "state", "type": "choice", "choices": ["wanted", "reading", "read"]},
                    ],
                },
            }
        },
    }
}


def models_router(records: Records, own: OwnModels, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The router."""
    router = APIRouter(prefix="/api/v1", tags=["models"])

    async def body_of(request: Request) -> dict[str, Any]:
        return parse_object(await read_body(request.receive, request.scope, settings.current.rest_body_bytes))

    @router.get("/models", summary="Models that you may use, with their fields", response_model=dict[str, Any])
    async def models(request: Request, response: Response) -> dict[str, Any] | Response:
        actor = gate.enter_route(request, response, records=True)
        described = [
            found
            for spec in records.registry
            if (found := describe_model(records.policy, records.registry, actor, spec)) is not None
        ]
        answer = {"ok": True, "data": described, "count": len(described)}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return answer
        # Every start of the page asks for it, and it is large. Nothing in it is secret or taken from the request, so
        # that its length tells nobody anything; answers with records are not sent this way.
        small = await asyncio.to_thread(lambda: gzip.compress(orjson.dumps(answer), 6, mtime=0))
        response.headers.update({"content-encoding": "gzip", "vary": "accept-encoding"})
        return Response(small, media_type="application/json", headers=dict(response.headers))

    @router.post("/models", status_code=201, summary="Make a model (admins)", openapi_extra=_DEFINITION)
    async def create(request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        spec: ModelSpec = await own.create(actor, await body_of(request))
        response.headers["location"] = f"{settings.current.base_path}/api/v1/models/{spec.name}"
        return {"ok": True, "data": describe_model(records.policy, records.registry, actor, spec)}

    @router.get("/models/{model}", summary="One model with its fields")
    async def model(model: str, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response, records=True)
        described = describe_model(records.policy, records.registry, actor, records.registry.get(model))
        if described is None:
            raise unknown_model(model)
        return {"ok": True, "data": described}

    @router.get("/models/{model}/definition", summary="A model of your own as it was declared (admins)")
    async def definition(model: str, request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": own.definition(gate.enter_route(request, response), model)}

    @router.patch(
        "/models/{model}",
        summary="Change a model (admins); `dry_run` tells what would be lost, `confirm` accepts it",
        openapi_extra=_BODY,
    )
    async def change(
        model: str, request: Request, response: Response, dry_run: bool = False, confirm: bool = False
    ) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        given = await body_of(request)
        if dry_run:
            losses = await own.losses(actor, model, given)
            return {
                "ok": True,
                "data": [{"field": it.field, "change": it.change, "records": it.records} for it in losses],
            }
        spec = await own.change(actor, model, given, confirmed=confirm)
        return {"ok": True, "data": describe_model(records.policy, records.registry, actor, spec)}

    @router.delete(
        "/models/{model}", summary="Drop a model with its records (admins); `dry_run` counts them, `confirm` accepts it"
    )
    async def drop(
        model: str, request: Request, response: Response, dry_run: bool = False, confirm: bool = False
    ) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        records = await own.drop(actor, model, confirmed=confirm, dry_run=dry_run)
        return {"ok": True, "data": {"records": records}}

    return router
