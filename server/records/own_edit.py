"""What people send to make or change a model of their own, read and compared with what the model is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from server.errors import FieldError, ValidationFailed
from server.models.own_definition import OwnDefinition, OwnField
from server.models.registry import ModelRegistry
from server.problem_words import problem_words
from server.records.values import BadValue, check_json


def parsed_definition(given: Mapping[str, Any]) -> OwnDefinition:
    """The definition of a new model. Raises ValidationFailed naming each bad part."""
    try:
        for name, part in given.items():
            check_json(name)
            check_json(part)
    except BadValue as bad:
        raise ValidationFailed.of(name, bad.code, bad.message) from None
    try:
        return OwnDefinition.model_validate(dict(given))
    except ValidationError as error:
        raise _refused(error) from None


def _refused(error: ValidationError) -> ValidationFailed:
    fields: dict[str, FieldError] = {}
    for problem in error.errors(include_url=False, include_input=False):
        place = [str(part) for part in problem["loc"]]
        fields[".".join(place) or "definition"] = FieldError(problem["type"], problem_words(problem))
    text = "; ".join(f"{name}: {found.message}" for name, found in fields.items())
    return ValidationFailed(text, fields=fields)


def changed_definition(old: OwnDefinition, given: Mapping[str, Any]) -> OwnDefinition:
    """The new definition. Raises ValidationFailed."""
    if given.get("name", old.name) != old.name:
        raise ValidationFailed.of("name", "read_only", "a model keeps its name; its label can change")
    if given.get("owned", old.owned) != old.owned:
        raise ValidationFailed.of("owned", "read_only", "whether records have owners is fixed once the model is made")
    parts = dict(given)
    if isinstance(parts.get("fields"), list):
        parts["fields"] = [
            {name: value for name, value in field.items() if name != "was"} if isinstance(field, dict) else field
            for field in parts["fields"]
        ]
    new = parsed_definition({**old.model_dump(), **parts})
    names = {field.name for field in old.fields}
    for field, was in renamed_fields(given).items():
        if was not in names:
            raise ValidationFailed.of(f"fields.{field}.was", "unknown_field", f"{old.name} has no field {was!r}")
        if any(other.name == was for other in new.fields):
            raise ValidationFailed.of(f"fields.{field}.was", "still_there", f"another field is named {was} now")
    return new


def renamed_fields(given: Mapping[str, Any]) -> dict[str, str]:
    """New names of fields with their old ones."""
    fields = given.get("fields")
    return {
        str(field.get("name")): str(field["was"])
        for field in (fields if isinstance(fields, list) else [])
        if isinstance(field, dict) and field.get("was") not in (None, field.get("name"))
    }


def can_be_referred_to(registry: ModelRegistry, name: str, own: str) -> bool:
    return name == own or (name in registry and registry.get(name).options.group != "system") or name == "users"


def fields_to_check(old: OwnDefinition, new: OwnDefinition, renamed: Mapping[str, str]) -> list[str]:
    """Fields whose values must be looked at, for their rules have changed."""

    def rules(field: OwnField) -> tuple[Any, ...]:
        return (
            field.type,
            field.choices,
            field.max_length,
            field.minimum,
            field.maximum,
            field.required,
            field.accept,
            field.max_bytes,
        )

    before = {field.name: rules(field) for field in old.fields}
    return [
        field.name
        for field in new.fields
        if (known := before.get(renamed.get(field.name, field.name))) is not None and known != rules(field)
    ]
