"""Models as data: what fields they have and what this caller may do. Forms and grids are drawn from it."""

from __future__ import annotations

from typing import Any

from server.access.actor import Actor
from server.access.policy import Policy, offered_extents
from server.db.search import searched_columns
from server.models.registry import FieldSpec, ModelRegistry, ModelSpec
from server.records.values import writable


def describe_model(policy: Policy, registry: ModelRegistry, actor: Actor, spec: ModelSpec) -> dict[str, Any] | None:
    """A model as `actor` sees it, or None if they may do nothing with it."""
    verbs = offered_extents(policy, actor, spec)
    if all(extent == "none" for extent in verbs.values()):
        return None
    known = policy.known_fields(actor, spec)
    options = spec.options
    return {
        "name": spec.name,
        "label": options.label,
        "label_plural": options.label_plural,
        "description": options.description,
        "group": options.group,
        "icon": options.icon,
        "title_field": options.title_field if options.title_field in known else "id",
        "verbs": verbs,
        "made_here": options.made_here,
        "history": options.history,
        "searchable": [name for name in searched_columns(spec.table) if name in known],
        "fields": [
            _describe_field(actor, field, _known_target(policy, registry, actor, field))
            for name, field in spec.fields.items()
            if name in known
        ],
    }


def _known_target(policy: Policy, registry: ModelRegistry, actor: Actor, field: FieldSpec) -> str | None:
    """The model that a field refers to, unless `actor` may not know that there is one."""
    target = field.references
    if target is None or (target in registry and not policy.may_know_of(actor, registry.get(target))):
        return None
    return target


def _describe_field(actor: Actor, field: FieldSpec, references: str | None) -> dict[str, Any]:
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
        "searchable": info.searchable,
        "default": info.default,
        "choices": None if field.choices is None else list(field.choices),
        "references": references,
        "max_length": info.max_length,
        "minimum": info.minimum,
        "maximum": info.maximum,
        "item_type": info.item_type,
        "accept": list(info.accept),
        "max_bytes": info.max_bytes,
    }
