"""The tools over one model's records for one person, described from the same descriptors as the REST API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from server.access.actor import Actor
from server.access.policy import Permission, Policy
from server.db.search import searched_columns
from server.mcp_gateway.record_tools.switches import Switch
from server.models.base import Verb
from server.models.labels import in_sentence, with_article
from server.models.registry import FieldSpec, ModelRegistry, ModelSpec
from server.records.json_schema import body_schema
from server.records.values import writable

DEFAULT_ROWS, MOST_ROWS = 20, 100
_ID = {"type": "integer", "description": "The record's id."}
_DOMAIN = (
    'Conditions as a JSON domain such as [["priority", ">=", 3], ["done", "=", false]]; "|", "&" and "!" stand before '
    "what they join. Operators: =, !=, <, <=, >, >=, in, not in, like, ilike."
)
_READS = {"readOnlyHint": True, "openWorldHint": False}
_ADDS = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": False, "openWorldHint": False}
_CHANGES = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True, "openWorldHint": False}


@dataclass(frozen=True, slots=True)
class Offer:
    """What one person may do with the records of one model."""

    registry: ModelRegistry
    policy: Policy
    actor: Actor
    spec: ModelSpec
    switch: Switch
    trash_days: float

    def tools(self) -> Iterator[dict[str, Any]]:
        """The tools as tools/list shows them, without the server's name before theirs."""
        name, options = self.spec.name, self.spec.options
        label, plural, one = in_sentence(options.label), in_sentence(options.label_plural), with_article(options.label)
        if self.switch.reading and (may := self._may("list")):
            about = f"Finds {plural}. {options.description} Fields: {self._fields(may)}."
            yield _tool(f"search_{name}", f"Search {plural}", about, _READS, self._search(may))
        if self.switch.reading and (may := self._may("read")):
            fields = _chosen("Only these fields.", may.shown)
            about = f"Reads one {label} by its id, whole, with its etag."
            yield _tool(f"get_{name}", f"Read {one}", about, _READS, {"id": _ID, "fields": fields}, ("id",))
        if self.switch.writing and (may := self._may("create")):
            about = f"Creates {one}. {options.description}"
            values = {"values": self._values(may, "create")}
            yield _tool(f"create_{name}", f"Create {one}", about, _ADDS, values, ("values",))
        if self.switch.writing and (may := self._may("update")):
            etag = {"type": "string", "description": "As read: what was changed since then is not changed."}
            about = f"Changes the given fields of {one}."
            values = {"id": _ID, "values": self._values(may, "update"), "etag": etag}
            yield _tool(f"update_{name}", f"Change {one}", about, _CHANGES, values, ("id", "values"))
        if self.switch.deleting and options.history and self._may("delete"):
            etag = {"type": "string", "description": "As read: what was changed since then is not deleted."}
            about = f"Puts {one} into the trash; people can bring it back for {self.trash_days:g} days."
            yield _tool(f"delete_{name}", f"Delete {one}", about, _CHANGES, {"id": _ID, "etag": etag},
                        ("id", "etag"))  # fmt: skip

    def _may(self, verb: Verb) -> Permission | None:
        may = self.policy.permission(self.actor, self.spec, verb)
        return None if may.extent == "none" else may

    def _fields(self, may: Permission) -> str:
        fields = (self.spec.fields[name] for name in may.shown)
        return ", ".join(f"{field.name} ({field.type}{self._to(field)})" for field in fields)

    def _to(self, field: FieldSpec) -> str:
        """To which model a relation leads, if the person may know of it."""
        target = None if field.references is None else self.registry.get(field.references)
        known = target is not None and self.policy.may_know_of(self.actor, target)
        return f" to {target.name}" if target is not None and known else ""

    def _search(self, may: Permission) -> dict[str, Any]:
        schema: dict[str, Any] = {"domain": {"type": "array", "description": _DOMAIN}}
        if any(name in may.shown for name in searched_columns(self.spec.table)):
            schema["q"] = {"type": "string", "description": "Full text: words, or their beginnings."}
        schema |= {
            "sort": {"type": "string", "description": "Fields, `-` before one turns it round: `-created_at,id`."},
            "fields": _chosen("Only these fields.", may.shown),
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": DEFAULT_ROWS},
            "cursor": {"type": "string", "description": "The `next` of the page before."},
        }
        relations = [name for name in may.shown if self.spec.fields[name].references is not None]
        if relations:
            schema["expand"] = _chosen("Relations whose records are shown as well.", relations)
        return schema

    def _values(self, may: Permission, verb: Verb) -> dict[str, Any]:
        fields = {
            name: field
            for name, field in self.spec.fields.items()
            if name not in may.hidden and writable(self.actor, field, creating=verb == "create")
        }
        schema = body_schema(replace(self.spec, fields=fields), verb)
        for name, told in schema["properties"].items():
            if to := self._to(fields[name]):
                told["description"] = (
                    f"{told.get('description', '')} The id of a record{to.replace(' to ', ' of ')}.".strip()
                )
        return schema


def _chosen(description: str, names: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": list(names)}, "description": description}


def _tool(
    name: str,
    title: str,
    description: str,
    hints: dict[str, bool],
    properties: dict[str, Any],
    required: Sequence[str] = (),
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return {"name": name, "title": title, "description": description, "inputSchema": schema, "annotations": hints}
