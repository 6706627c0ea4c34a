"""JSON Schemas of models, from their descriptors: for the OpenAPI document and for tools over records."""

from __future__ import annotations

from typing import Any

from server.models.registry import FieldSpec, ModelSpec

_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": "integer", "format": "int64"},
    "relation": {"type": "integer", "format": "int64"},
    "file": {"type": "integer", "format": "int64"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "url": {"type": "string", "format": "uri"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "json": {},
    "tags": {"type": "array", "items": {"type": "string"}},
}


def field_schema(field: FieldSpec) -> dict[str, Any]:
    """JSON Schema of one field's values."""
    info = field.info
    schema: dict[str, Any] = dict(_TYPES.get(field.type, {"type": "string"}))
    if field.choices is not None:
        schema["enum"] = list(field.choices)
    if info.max_length is not None and field.type != "bytes" and schema.get("type") == "string":
        schema["maxLength"] = info.max_length
    if info.minimum is not None:
        schema["minimum"] = info.minimum
    if info.maximum is not None:
        schema["maximum"] = info.maximum
    if info.help:
        schema["description"] = info.help
    if field.nullable and not info.required and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def row_schema(spec: ModelSpec) -> dict[str, Any]:
    """JSON Schema of a row as it is read."""
    properties = {name: field_schema(spec.fields[name]) for name in spec.shown}
    for name in spec.shown:
        if spec.fields[name].info.read_only:
            properties[name]["readOnly"] = True
    return {"type": "object", "title": spec.options.label, "required": list(spec.shown), "properties": properties}


def body_schema(spec: ModelSpec, verb: str) -> dict[str, Any]:
    """JSON Schema of what `verb` (create, replace, update) takes."""
    properties: dict[str, Any] = {}
    required = []
    for name, field in spec.fields.items():
        if field.info.read_only or (field.info.create_only and verb != "create"):
            continue
        properties[name] = field_schema(field)
        if field.info.write_only:
            properties[name]["writeOnly"] = True
        if field.info.required and verb != "update":
            required.append(name)
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return schema
