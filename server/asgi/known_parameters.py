"""The query parameters that a route knows. Others are refused: a mistyped filter would let everything through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from server.asgi.query import query_pairs, refuse_other_than

FILTERS: dict[str, Any] = {
    "name": "filters",
    "in": "query",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "description": "Filters as in lists: `field=value`, `field__op=value`",
}
"""Stands in the OpenAPI document for parameters named after the fields of a model; who reads them knows those names."""


def refuse_unknown(request: Request) -> None:
    """Raises ValidationFailed for a parameter that the route of `request` neither declares nor documents."""
    route = request.scope.get("route")
    if not request.scope["query_string"] or not isinstance(route, APIRoute):
        return
    documented = (route.openapi_extra or {}).get("parameters", ())
    if FILTERS in documented:
        return
    known = set(_declared(route.dependant))
    known |= {one["name"] for one in documented if one["in"] == "query"}
    refuse_other_than(known, query_pairs(request.scope))


def _declared(dependant: Dependant) -> Iterator[str]:
    """The names of all parameters of a route, those of what it depends on included."""
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _declared(below)
