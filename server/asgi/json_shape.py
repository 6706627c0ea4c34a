"""Small JSON bodies of ordinary routes: read within their limit, checked against a shape, and shown in OpenAPI."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from server.asgi.body import read_body
from server.asgi.json_body import parse_object
from server.errors import FieldError, ValidationFailed
from server.problem_words import problem_words

M = TypeVar("M", bound=BaseModel)


async def read_shape(request: Request, model: type[M], limit: int) -> M:
    """The body as a `model`; no body is an empty object. Raises ValidationFailed naming each field that is wrong.

    limit: bytes.
    """
    body = await read_body(request.receive, request.scope, limit)
    try:
        return model.model_validate(parse_object(body) if body else {})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        fields = {
            ".".join(str(part) for part in one["loc"]): FieldError(
                "unknown_field" if one["type"] == "extra_forbidden" else "invalid", problem_words(one)
            )
            for one in found
        }
        raise ValidationFailed(
            "; ".join(f"{name}: {field.message}" for name, field in fields.items()), fields=fields
        ) from None


def taken(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a route that reads its body with `read_shape`."""
    return {"requestBody": {"content": {"application/json": {"schema": deepcopy(_schema(model))}}}}


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    # An app that starts again in this process describes the same bodies.
    return model.model_json_schema()
