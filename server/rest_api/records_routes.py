"""Routes of /api/v1 over records that are more than reading or writing one: batch, bulk, groups, history."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from server.asgi.body import read_body
from server.asgi.json_body import parse_object
from server.asgi.known_parameters import FILTERS
from server.asgi.query import query_pairs
from server.asgi.request_key import REPLAYED, RequestKey, key_in, key_parameter
from server.config import SettingsHolder
from server.errors import ValidationFailed
from server.records.access_matrix import access_matrix
from server.records.batch import VERBS, run_batch
from server.records.batch_once import run_batch_once
from server.records.bulk import BulkResult, change_many, delete_many
from server.records.explain import explain_access
from server.records.history import History
from server.records.service import Records
from server.records.values import INTEGER_MAX
from server.rest_api.gate import RestGate

Id = Annotated[int, Query(ge=0, le=INTEGER_MAX)]
PathId = Annotated[int, Path(ge=0, le=INTEGER_MAX)]


def records_router(records: Records, history: History, gate: RestGate, settings: SettingsHolder) -> APIRouter:
    """The router. Models are checked by the records service, so that unknown ones answer as everywhere."""
    router = APIRouter(prefix="/api/v1")

    @router.post("/batch", tags=["batch"], summary="Up to 1,000 changes at once: all or none",
                 openapi_extra=BATCH_BODY)  # fmt: skip
    async def batch(request: Request, response: Response, dry_run: bool = False) -> Response:
        actor = gate.enter_route(request, response, records=True)
        sent = await read_body(request.receive, request.scope, settings.current.batch_body_bytes)
        given_key = key_in(request.scope["headers"])
        key = None if given_key is None else RequestKey.of(given_key, "POST /api/v1/batch", sent)
        body = parse_object(sent)
        operations = body.pop("operations", None)
        if body or not isinstance(operations, list):
            raise ValidationFailed.of("operations", "required", 'a body like {"operations": [{"verb": "create", …}]}')
        if key is None or dry_run:
            results = await run_batch(records, actor, operations, dry_run=dry_run)
        else:
            results, replayed = await run_batch_once(records, actor, operations, key)
            if replayed:
                response.headers[REPLAYED[0].decode()] = REPLAYED[1].decode()
        rows = ",".join(
            f'{{"status":{result.status},"id":{result.record_id},"data":{result.text}}}' for result in results
        )
        return _json(response, f'{{"ok":true,"data":[{rows}],"dry_run":{str(dry_run).lower()}}}')

    @router.get("/access/explain", tags=["access"], summary="Why you, or for admins anybody, may do something or not")
    async def explain(
        request: Request, response: Response, model: str, verb: str, user: Id | None = None, id: Id | None = None
    ) -> dict[str, Any]:
        actor = gate.enter_route(request, response, records=True)
        return {"ok": True, "data": await explain_access(records, actor, model, verb, user_id=user, record_id=id)}

    @router.get("/access/matrix", tags=["access"], summary="What every role and group may do with every model (admins)")
    async def matrix(request: Request, response: Response) -> dict[str, Any]:
        return {"ok": True, "data": access_matrix(records, gate.enter_route(request, response))}

    @router.post("/undo", tags=["records"], summary="Take back what you did: the entries first to last of the history",
                 openapi_extra=UNDO_BODY)  # fmt: skip
    async def undo(request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response)
        body = parse_object(await read_body(request.receive, request.scope, settings.current.rest_body_bytes))
        undone = await history.undo(actor, *_entries(body))
        return {"ok": True, "data": {"count": undone.count, "undo": _range(undone.entries)}}

    @router.get("/{model}/aggregate", tags=["records"], summary="Counts, sums and averages, by group",
                openapi_extra=AGGREGATE_PARAMETERS)  # fmt: skip
    async def aggregate(model: str, request: Request, response: Response) -> Response:
        actor = gate.enter_route(request, response, records=True)
        return _json(response, f'{{"ok":true,"data":{await records.aggregate(actor, model, _pairs(request))}}}')

    @router.patch("/{model}/bulk", tags=["records"], summary="Change every record that the filters select",
                  openapi_extra=BULK_BODY)  # fmt: skip
    async def bulk_change(model: str, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response, records=True)
        values = parse_object(await read_body(request.receive, request.scope, settings.current.rest_body_bytes))
        return _bulk(await change_many(records, actor, model, _pairs(request), values))

    @router.delete("/{model}/bulk", tags=["records"], summary="Delete every record that the filters select",
                   openapi_extra=BULK_PARAMETERS)  # fmt: skip
    async def bulk_delete(model: str, request: Request, response: Response) -> dict[str, Any]:
        actor = gate.enter_route(request, response, records=True)
        return _bulk(await delete_many(records, actor, model, _pairs(request)))

    @router.get("/{model}/deleted", tags=["records"], summary="Deleted records that can be brought back")
    async def deleted(
        model: str,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        offset: Id = 0,
    ) -> dict[str, Any]:
        actor = gate.enter_route(request, response, records=True)
        found = await history.deleted(actor, model, limit=limit, offset=offset)
        return {"ok": True, "data": found.rows, "count": found.count}

    @router.get("/{model}/{record_id}/history", tags=["records"], summary="What happened to a record, newest first")
    async def record_history(
        model: str,
        record_id: PathId,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        until: Id | None = None,
    ) -> dict[str, Any]:
        actor = gate.enter_route(request, response, records=True)
        found = await history.of_record(actor, model, record_id, limit=limit, until=until)
        answer: dict[str, Any] = {"ok": True, "data": found.rows}
        return {**answer, "next": str(found.rows[-1]["id"])} if found.more else answer

    @router.post("/{model}/{record_id}/restore", tags=["records"],
                 summary="Bring a deleted record back, or put it back as it was before a change")  # fmt: skip
    async def restore(
        model: str, record_id: PathId, request: Request, response: Response, before: Id | None = None
    ) -> Response:
        actor = gate.enter_route(request, response, records=True)
        row = await history.restore(actor, model, record_id, before=before)
        return _json(response, f'{{"ok":true,"data":{row}}}')

    return router


def _pairs(request: Request) -> list[tuple[str, str]]:
    return query_pairs(request.scope)


def _json(response: Response, text: str) -> Response:
    return Response(text, media_type="application/json", headers=dict(response.headers))


def _bulk(result: BulkResult) -> dict[str, Any]:
    data = {"count": result.count, "ids": list(result.ids), "dry_run": result.dry_run, "undo": _range(result.undo)}
    return {"ok": True, "data": data}


def _range(entries: tuple[int, int] | None) -> dict[str, int] | None:
    return None if entries is None else {"first": entries[0], "last": entries[1]}


def _entries(body: dict[str, Any]) -> tuple[int, int]:
    found = [body.pop(name, None) for name in ("first", "last")]
    if body or not all(type(value) is int and 0 <= value <= INTEGER_MAX for value in found):
        raise ValidationFailed.of("first", "required", 'a body like {"first": 17, "last": 20}')
    return found[0], found[1]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


_FILTERS = [
    _parameter("domain", {"type": "string"}, 'A JSON domain such as `[["priority", ">=", 3]]`'),
    _parameter("q", {"type": "string"}, "Full text"),
    FILTERS,
]
_BULK = [
    *_FILTERS,
    _parameter("all", {"type": "boolean", "default": False}, "Every record is meant, where no filter is given"),
    _parameter("dry_run", {"type": "boolean", "default": False}, "Tell what would happen, and change nothing"),
]
BULK_PARAMETERS: dict[str, Any] = {"parameters": _BULK}
BULK_BODY: dict[str, Any] = {
    "parameters": _BULK,
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}
AGGREGATE_PARAMETERS: dict[str, Any] = {
    "parameters": [
        *_FILTERS,
        _parameter(
            "group_by", {"type": "string"}, "Up to four fields; of days and moments also parts: `created_at:month`"
        ),
        *(
            _parameter(name, {"type": "string"}, f"Fields to give the {word} of")
            for name, word in (("sum", "sum"), ("avg", "average"), ("min", "least"), ("max", "greatest"))
        ),
        _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many groups"),
    ]
}
_ENTRY = {"type": "integer", "minimum": 0, "description": "Id of an entry of the history"}
UNDO_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["first", "last"],
                    "additionalProperties": False,
                    "properties": {"first": _ENTRY, "last": _ENTRY},
                }
            }
        },
    }
}
_OPERATION = {
    "type": "object",
    "required": ["verb", "model"],
    "additionalProperties": False,
    "properties": {
        "verb": {"enum": list(VERBS)},
        "model": {"type": "string"},
        "id": {"description": 'The record, or `{"$ref": "0.id"}` for one that operation 0 made'},
        "values": {"type": "object"},
        "if_match": {"type": "string"},
        "key": {"type": "string", "description": "The unique field of an upsert"},
    },
}
BATCH_BODY: dict[str, Any] = {
    "parameters": [key_parameter("the same batch with it, sent again within 24 hours, changes nothing twice")],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["operations"],
                    "properties": {"operations": {"type": "array", "maxItems": 1000, "items": _OPERATION}},
                },
                "example": orjson.loads(
                    '{"operations": [{"verb": "create", "model": "groups", "values": {"name": "Family"}},'
                    ' {"verb": "create", "model": "group_members",'
                    ' "values": {"group_id": {"$ref": "0.id"}, "user_id": 2}}]}'
                ),
            }
        },
    },
}
