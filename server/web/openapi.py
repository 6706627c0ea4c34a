"""The OpenAPI document: FastAPI's own routes, and the records app's operations from the models' descriptors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.types import Scope

from server.access.actor import Actor
from server.asgi.request_key import key_parameter
from server.config import SettingsHolder
from server.db.conditions import OPERATORS
from server.errors import Unauthorized
from server.models.labels import in_sentence, with_article
from server.models.registry import ModelSpec
from server.records.json_schema import body_schema, row_schema
from server.records.query import MAX_LIMIT
from server.records.service import Records

_ERROR = {"description": "Error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
_FAILURES = ("400", "401", "403", "404", "409", "412", "413", "422", "429", "503", "507")
_ONCE = key_parameter("sent again within 24 hours with the same body, it makes no second record")
_DONE_ONCE = key_parameter(
    "sent again within an hour with the same body and the same token or session, it does nothing a second time and is "
    "told the same answer"
)
_REPLAYED: dict[str, Any] = {
    "schema": {"const": "true"},
    "description": "It was done by an earlier request with the same `Idempotency-Key`",
}
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["ok", "error", "code", "request_id"],
    "properties": {
        "ok": {"const": False},
        "error": {"type": "string"},
        "code": {"type": "string"},
        "fields": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "retry_after": {"type": "integer"},
        "request_id": {"type": "string"},
    },
}


class ApiDocument:
    """The document for each caller: models that were made here are in it only for those who may list them."""

    def __init__(
        self, app: FastAPI, records: Records, settings: SettingsHolder, done_once: Callable[[str], bool]
    ) -> None:
        """`done_once`: whether a POST to an address is kept from being done twice (`server.asgi.once`)."""
        self._app = app
        self._done_once = done_once
        self._records = records
        self._settings = settings
        self._common: tuple[ModelSpec, ...] = ()
        self._base: dict[str, Any] = {}

    def for_actor(self, actor: Actor | None) -> dict[str, Any]:
        """The document that `actor` may see; None is nobody."""
        specs = tuple(spec for spec in self._records.registry if not spec.options.made_here)
        if not self._base or specs != self._common:
            self._app.openapi_schema = None
            self._base, self._common = _merged(self._with_keys(self._app.openapi()), specs), specs
        own = [] if actor is None else list(self._own(actor))
        document = {**self._base, "servers": [{"url": self._settings.current.base_path or "/"}]}
        if not own:
            return document
        document["paths"] = dict(document["paths"])
        document["tags"] = list(document["tags"])
        document["components"] = {**document["components"], "schemas": dict(document["components"]["schemas"])}
        return _merged(document, own)

    def _with_keys(self, document: dict[str, Any]) -> dict[str, Any]:
        for path, operations in document["paths"].items():
            if "post" in operations and self._done_once(path):
                operations["post"].setdefault("parameters", []).append(_DONE_ONCE)
        return document

    def _own(self, actor: Actor) -> Iterator[ModelSpec]:
        """The models that were made here and that `actor` may list, with the fields that they may know of."""
        policy = self._records.policy
        for spec in self._records.registry:
            if spec.options.made_here and policy.permission(actor, spec, "list").extent != "none":
                known = policy.known_fields(actor, spec)
                fields = {name: field for name, field in spec.fields.items() if name in known}
                yield replace(spec, fields=fields, shown=tuple(name for name in spec.shown if name in known))


def openapi_router(document: ApiDocument, actor_for: Callable[[Scope], Actor]) -> APIRouter:
    """`/api/openapi.json`, which nobody needs to sign in for."""
    router = APIRouter(tags=["pages"])

    @router.get("/api/openapi.json", summary="This document")
    async def openapi(request: Request) -> Response:
        try:
            actor = actor_for(request.scope)
        except Unauthorized:
            actor = None
        body = orjson.dumps(document.for_actor(actor), option=orjson.OPT_NON_STR_KEYS)
        headers = {"vary": "Cookie, Authorization", "cache-control": "private, no-cache"}
        return Response(body, media_type="application/json", headers=headers)

    return router


def _merged(document: dict[str, Any], specs: Iterable[ModelSpec]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Error"] = ERROR_SCHEMA
    components.setdefault("securitySchemes", {}).update(
        {
            "session": {"type": "apiKey", "in": "cookie", "name": "gridbear_session_token"},
            "token": {"type": "http", "scheme": "bearer"},
        }
    )
    tags = document.setdefault("tags", [])
    taken = {_plain(schema.get("title", key)) for key, schema in schemas.items()}
    for spec in specs:
        tags.append({"name": spec.name, "description": spec.options.description})
        schemas[spec.name] = _of_own_name(spec.name, row_schema(spec), taken)
        schemas[f"{spec.name}_create"] = body_schema(spec, "create")
        schemas[f"{spec.name}_replace"] = body_schema(spec, "replace")
        schemas[f"{spec.name}_update"] = body_schema(spec, "update")
        for path, operations in _paths(spec).items():
            # What has a route of its own, such as uploads, is described there.
            document["paths"][path] = {**operations, **document["paths"].get(path, {})}
    return document


def _of_own_name(name: str, schema: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    """`schema` without its title where another one goes by the same: generators name a class after each title."""
    titled = {key: part for key, part in schema.items() if key != "title" or _plain(part) not in taken}
    taken.add(_plain(titled.get("title", name)))
    return titled


def _plain(title: str) -> str:
    return "".join(letter for letter in title.casefold() if letter.isalnum())


def _paths(spec: ModelSpec) -> dict[str, Any]:
    name, plural, one = spec.name, in_sentence(spec.options.label_plural), with_article(spec.options.label)
    row = {"$ref": f"#/components/schemas/{name}"}
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "format": "int64"}}
    if_match = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
    made: dict[str, Any] = {"type": "object", "allOf": [row]}
    if name == "api_tokens":
        made = {**made, "properties": {"token": {"type": "string", "description": "The secret, shown this once."}}}
    created = _answer(made)
    text: dict[str, Any] = {"schema": {"type": "string"}}
    created["headers"] = {"Location": text, "ETag": text, "Idempotency-Replayed": _REPLAYED}
    collection = {
        "get": _operation(spec, "list", f"List {plural}", {"200": _answer({"type": "array", "items": row}, True)},
                          parameters=_list_parameters(spec)),
        "post": _operation(spec, "create", f"Create {one}", {"201": created}, [_ONCE], f"{name}_create"),
    }  # fmt: skip
    member = {
        "get": _operation(
            spec, "read", f"Read {one}", {"200": _answer(row), "304": {"description": "Not modified"}}, _PARTS
        ),
        "put": _operation(spec, "replace", f"Replace {one}", {"200": _answer(row)}, [if_match], f"{name}_replace"),
        "patch": _operation(spec, "update", f"Change {one}", {"200": _answer(row)}, [if_match], f"{name}_update"),
        "delete": _operation(spec, "delete", f"Delete {one}", {"200": _answer({"type": "null"})}, [if_match]),
        "parameters": [identifier],
    }
    offered = {"list": "get", "create": "post"}
    collection = {method: op for verb, method in offered.items() if verb in spec.options.verbs
                  for op in [collection[method]]}  # fmt: skip
    verbs = {"get": "read", "put": "update", "patch": "update", "delete": "delete"}
    member = {method: op for method, op in member.items() if method not in verbs or verbs[method] in spec.options.verbs}
    return {f"/api/v1/{name}": collection, f"/api/v1/{name}/{{id}}": member}


def _answer(data: dict[str, Any], counted: bool = False) -> dict[str, Any]:
    properties: dict[str, Any] = {"ok": {"const": True}, "data": data}
    if counted:
        properties["count"] = {"type": "integer"}
        properties["next"] = {"type": "string", "description": "The cursor of the next page, if there is one"}
    schema = {"type": "object", "required": ["ok", "data"], "properties": properties}
    return {"description": "Done", "content": {"application/json": {"schema": schema}}}


def _operation(
    spec: ModelSpec,
    verb: str,
    summary: str,
    answers: dict[str, Any],
    parameters: list[dict[str, Any]] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [spec.name],
        "summary": summary,
        "operationId": f"{spec.name}_{verb}",
        "security": [{"session": []}, {"token": []}],
        "responses": {**answers, **dict.fromkeys(_FAILURES, _ERROR)},
    }
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _list_parameters(spec: ModelSpec) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        _query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50}, "Rows per page"),
        _query("offset", {"type": "integer", "minimum": 0}, "Rows to skip"),
        _query("sort", {"type": "string"}, "Fields to sort by, `-` before one turns it round: `-created_at,id`"),
        _query("cursor", {"type": "string"}, "The page after the one whose `next` this was"),
        _query("domain", {"type": "string"}, 'A JSON domain such as `[["id", ">", 3]]`'),
        _query("q", {"type": "string"}, "Full text: words, or their beginnings"),
        *_PARTS,
        _query("total", {"type": "boolean", "default": True}, "`false` skips counting"),
    ]
    for name in spec.shown:
        field = spec.fields[name]
        if field.type in ("json", "tags"):
            continue
        operators = ", ".join(f"`{name}__{operator}`" for operator in OPERATORS if operator != "eq")
        parameters.append(_query(name, {"type": "string"}, f"Only rows with this value. Also {operators}"))
    return parameters


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


_PARTS = [
    _query("fields", {"type": "string"}, "Only these fields"),
    _query("expand", {"type": "string"}, "Relations whose records are shown under `expand`"),
]
