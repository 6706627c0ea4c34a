"""Models as data: what fields they have and what this caller may do. Forms and grids are drawn from it."""

from __future__ import annotations

from typing import Any

from server.access.actor import Actor
from server.access.decide import extent_of
from server.models.base import VERBS
from server.models.registry import FieldSpec, ModelSpec
from server.records.values import writable


def describe_model(actor: Actor, spec: ModelSpec) -> dict[str, Any] | None:
    """A model as `actor` sees it, or None if they may do nothing with it."""
    verbs = {verb: extent_of(actor, spec, verb) if verb in spec.options.verbs else "none" for verb in VERBS}
    if all(extent == "none" for extent in verbs.values()):
        return None
    options = spec.options
    return {
        "name": spec.name,
        "label": options.label,
        "label_plural": options.label_plural,
        "description": options.description,
        "group": options.group,
        "title_field": options.title_field,
        "verbs": verbs,
        "fields": [_describe_field(actor, field) for field in spec.fields.values()],
    }


def _describe_field(actor: Actor, field: FieldSpec) -> dict[str, Any]:
    info = field.info
    return {
        "name": field.name,
        "type": field.type,
        "label": info.label,
        "help": info.help,
        "required": info.required,
        "read_only": not writable(actor, field, creating=True),
        "create_only": info.create_only,
        "write_only": info.write_only,
        "nullable": field.nullable,
        "unique": field.unique,
        "default": info.default,
        "choices": None if field.choices is None else list(field.choices),
        "references": field.references,
        "max_length": info.max_length,
        "minimum": info.minimum,
        "maximum": info.maximum,
        "item_type": info.item_type,
    }
