"""What Pydantic finds wrong is told in plain words."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from server.config import Settings
from server.errors import StartupError
from server.problem_words import problem_words


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    many: int = 1
    on: bool = True
    words: list[str] = []
    kind: Literal["one", "two"] = "one"
    parts: dict[str, float] = {}

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        if name == "nobody":
            raise ValueError("somebody is wanted")
        return name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "a value is required"),
        ([], "a JSON object is wanted"),
        ({"name": 1}, "a text is wanted"),
        ({"name": "x", "many": "x"}, "a whole number is wanted"),
        ({"name": "x", "many": 1.5}, "a whole number is wanted"),
        ({"name": "x", "on": "perhaps"}, "true or false is wanted"),
        ({"name": "x", "words": "x"}, "a list is wanted"),
        ({"name": "x", "kind": "three"}, "one of these is wanted: 'one' or 'two'"),
        ({"name": "x", "parts": {"a": "b"}}, "a number is wanted"),
        ({"name": "x", "parts": 1}, "a JSON object is wanted"),
        ({"name": "x", "other": 1}, "there is no such field"),
        ({"name": "nobody"}, "somebody is wanted"),
    ],
)
def test_a_problem_is_told_in_plain_words(given: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Shape.model_validate(given)
    [problem] = caught.value.errors()
    assert problem_words(problem) == words


def test_a_variable_that_can_not_be_used_is_named_without_words_of_the_library() -> None:
    with pytest.raises(StartupError) as caught:
        Settings.load(env={"GRIDBEAR_TRUSTED_PROXIES": "nonsense"})
    assert caught.value.message.startswith("GRIDBEAR_TRUSTED_PROXIES can't be used: 'nonsense' is no address")
    with pytest.raises(StartupError) as caught:
        Settings.load(env={"GRIDBEAR_TLS": "on"})
    assert caught.value.message == "GRIDBEAR_TLS can't be used: one of these is wanted: 'off', 'self-made' or 'files'."
