"""What a manifest may say of settings, and what it says when it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import ValidationFailed
from server.plugin_host.config_schema import SchemaRefused, parse_config_schema

FLAT = {
    "city": {"type": "string", "default": "Rome", "description": "Where.", "required": True},
    "days": {"type": "integer", "default": 3, "minimum": 1, "maximum": 14},
    "key": {"type": "secret", "env": "WEATHER_KEY", "required": True},
    "units": {"enum": ["metric", "imperial"], "default": "metric"},
    "places": {"type": "array", "items": {"type": "string"}},
}
AS_JSON_SCHEMA = {
    "type": "object",
    "required": ["city", "key"],
    "properties": {
        name: {**{k: v for k, v in field.items() if k != "required"}}  # type: ignore[attr-defined]
        for name, field in FLAT.items()
    },
}


def test_both_ways_of_writing_it_say_the_same() -> None:
    flat, whole = parse_config_schema(FLAT), parse_config_schema(AS_JSON_SCHEMA)
    assert flat == whole
    assert flat.json_schema["required"] == ["city", "key"] and flat.json_schema["additionalProperties"] is False
    assert flat.json_schema["properties"]["key"] == {"type": "string", "writeOnly": True}
    assert flat.fields["key"].env == "WEATHER_KEY" and parse_config_schema({}).fields == {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["city"], "an object is wanted"),
        ({"City": {"type": "string"}}, "'City': small letters"),
        ({"city": "string"}, 'city: an object such as {"type": "string"}'),
        ({"city": {"type": "text"}}, "city.type: found 'text', wanted one of string"),
        ({"city": {"type": "integer", "default": "x"}}, "city.default: 'x' is not of type 'integer'"),
        ({"city": {"type": "integer", "minimum": "low"}}, "city: 'low' is not of type 'number'"),
        ({"key": {"type": "secret", "default": "hunter2"}}, "key.default: a secret has none"),
        ({"city": {"type": "string", "env": "PATH-X"}}, "city.env"),
        ({"city": {"type": "object", "properties": {"a": {"$ref": "https://evil.example/x"}}}}, "$ref is not possible"),
        ({"type": "object", "properties": {}, "required": ["city"]}, "required names city"),
        ({f"f{number}": {} for number in range(101)}, "at most 100"),
    ],
)
def test_what_can_not_be_is_said_by_name(given: Any, says: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        parse_config_schema(given)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": "3"}, "days"),
        ({"days": True}, "days"),
        ({"units": "furlongs"}, "units"),
        ({"places": ["Rome", 7]}, "places"),
        ({"city": "a\0b"}, "city"),
        ({"city": "\ud800"}, "city"),
        ({"places": [float("nan")]}, "places"),
        ({"days": 1 << 70}, "days"),
        ({"nothing": 1}, "nothing"),
        ({"key": 7}, "key"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_config_schema(FLAT).check(values)
    assert list(refused.value.fields) == [field]


def test_a_secret_that_does_not_fit_is_not_repeated() -> None:
    schema = parse_config_schema({"key": {"type": "secret"}})
    with pytest.raises(ValidationFailed) as refused:
        schema.check({"key": ["hunter2"]})
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "pattern": "^a+$", "title": "A"},
        {"type": "integer", "minimum": 2, "maximum": 3.5},
        {"type": "integer", "minimum": 2, "default": 2},
        {"type": "boolean", "minimum": 3},
        {"type": "string", "minimum": 3},
        {"type": "string", "title": 3},
        {"type": "integer", "minimum": True},
        {"type": "string", "enum": ["a"]},
        {"type": "string", "maxLength": 1},
        {"type": "string", "minLength": 2, "pattern": "a"},
        {"type": "string", "maxLength": -1},
        {"type": "string", "minLength": True},
        {"type": "array"},
        {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string", "pattern": "^a"}},
        {"type": "array", "items": {"type": "array", "items": {"type": "integer", "maximum": 2}}},
        {"type": "array", "items": True},
        {"type": "array", "items": {"type": "strange"}},
        {"type": "object"},
        {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 2}}},
        {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "integer"}}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "required": ["a", "a"]},
        {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": 3}}}},
    ],
)
def test_plain_settings_are_judged_as_the_library_judges_them(schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator

    library = Draft202012Validator(schema)
    try:
        fields = parse_config_schema({"it": schema})
    except SchemaRefused:
        assert not Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(schema)
        return
    lists: list[Any] = [[], ["a"], ["b"], ["a", "ab"], ["a", "a", "a"], [1], [[1, 2], []], [[3]], [None]]
    objects: list[Any] = [{}, {"a": 1}, {"a": 2}, {"a": 2, "b": "c"}, {"b": 3}, {"a": None}, {"a": {"b": 1}}]
    for value in ("", "a", "aaa", "b", 0, 2, 3, 4, 2.5, 3.0, True, False, None, *lists, *objects):
        assert (fields.problem("it", value) is None) == library.is_valid(value), value
