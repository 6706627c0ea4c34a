"""The envelope of every answer that is no error, as routes declare it and OpenAPI shows it."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Answer(BaseModel, Generic[T]):
    """What was asked for."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    ok: Literal[True] = True
    data: T


class ListAnswer(Answer[list[T]], Generic[T]):
    """All that there are, and how many."""

    count: int
