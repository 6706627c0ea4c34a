"""What Pydantic finds wrong with a value, in the words that people and programs read everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS = (
    (("missing",), "a value is required"),
    (("model_attributes_type", "model_type", "dict_type", "dict_attributes_type"), "a JSON object is wanted"),
    (("string_type",), "a text is wanted"),
    (("bool_type", "bool_parsing"), "true or false is wanted"),
    (("int_type", "int_parsing", "int_from_float"), "a whole number is wanted"),
    (("float_type", "float_parsing"), "a number is wanted"),
    (("list_type",), "a list is wanted"),
    (("extra_forbidden",), "there is no such field"),
)
_WORDS = {kind: words for kinds, words in _KINDS for kind in kinds}


def problem_words(problem: Mapping[str, Any]) -> str:
    """One of the `errors()` of a ValidationError as a sentence without its end."""
    kind = str(problem["type"])
    if kind in ("literal_error", "enum") and "expected" in problem.get("ctx", {}):
        return f"one of these is wanted: {problem['ctx']['expected']}"
    return _WORDS.get(kind) or str(problem["msg"]).removeprefix("Value error, ")
