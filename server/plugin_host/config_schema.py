"""`config_schema` of a manifest: the settings of a plugin as one JSON Schema, whichever way they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import FieldError, ValidationFailed
from server.plugin_host.plain_schema import is_plain, plainly_fits

TYPES = ("string", "integer", "number", "boolean", "array", "object", "secret", "config")
MOST_FIELDS = 100
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ENV = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_OWN_KEYS = frozenset(("type", "env", "required", "secret"))
_SECRET_KEYS = frozenset(("type", "title", "description", "env", "required", "secret", "writeOnly", "default"))


class SchemaRefused(ValueError):
    """The settings can't be described like that; the message names the field and what is wanted."""


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting."""

    name: str
    schema: Mapping[str, Any]
    """Its JSON Schema, without what is ours."""
    secret: bool = False
    """It is kept sealed and never shown."""
    required: bool = False
    env: str | None = None
    """The environment variable that sets it, if there is such a one."""

    @property
    def default(self) -> Any:
        return self.schema.get("default")


@dataclass(frozen=True, slots=True)
class ConfigSchema:
    """All settings of a plugin, in the order of its manifest."""

    fields: Mapping[str, SettingField]

    @property
    def json_schema(self) -> dict[str, Any]:
        """For forms: one object; secrets are `writeOnly`."""
        properties = {
            field.name: {**field.schema, **({"writeOnly": True} if field.secret else {})}
            for field in self.fields.values()
        }
        required = [field.name for field in self.fields.values() if field.required]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def problem(self, name: str, value: Any) -> FieldError | None:
        """What is wrong with a value of the setting `name`; None when nothing is."""
        field = self.fields[name]
        if _is_odd(value):
            return FieldError("not_json", "NaN, infinity, NUL and lone surrogates are no JSON")
        if is_plain(field.schema) and plainly_fits(field.schema, value):
            return None
        from jsonschema import Draft202012Validator

        error = next(iter(Draft202012Validator(dict(field.schema)).iter_errors(value)), None)
        if error is None:
            return None
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        text = f"{where.lstrip('.')}: {error.message}" if where else error.message
        return FieldError("invalid", "the value does not fit" if field.secret else text[:300])

    def check(self, values: Mapping[str, Any]) -> None:
        """Raise ValidationFailed naming every setting that is unknown or does not fit."""
        errors: dict[str, FieldError] = {}
        for name, value in values.items():
            if name not in self.fields:
                known = ", ".join(self.fields) or "none"
                errors[name] = FieldError("unknown_field", f"there is no such setting; there are: {known}")
            elif (problem := self.problem(name, value)) is not None:
                errors[name] = problem
        if errors:
            raise ValidationFailed("; ".join(f"{n}: {e.message}" for n, e in errors.items()), fields=errors)


def parse_config_schema(given: Any) -> ConfigSchema:
    """The settings that a manifest names, as flat fields or as a JSON Schema object. Raises SchemaRefused."""
    if not isinstance(given, dict):
        raise SchemaRefused("an object is wanted: fields by name, or a JSON Schema with type, object and properties")
    required: Any = []
    if given.get("type") == "object" and isinstance(given.get("properties"), dict):
        given, required = given["properties"], given.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise SchemaRefused("required: a list of names is wanted")
    if len(given) > MOST_FIELDS:
        raise SchemaRefused(f"at most {MOST_FIELDS} settings are possible")
    fields = {name: _field(name, it, name in required) for name, it in given.items()}
    if unknown := set(required) - set(fields):
        raise SchemaRefused(f"required names {', '.join(sorted(unknown))}, which is no setting")
    return ConfigSchema(fields)


def _field(name: str, given: Any, required: bool) -> SettingField:
    if not _NAME.fullmatch(name):
        raise SchemaRefused(f"{name!r}: small letters, digits and _ are wanted, at most 40")
    if not isinstance(given, dict):
        raise SchemaRefused(f'{name}: an object such as {{"type": "string"}} is wanted')
    kind = given.get("type", "string")
    if kind not in TYPES:
        raise SchemaRefused(f"{name}.type: found {kind!r}, wanted one of {', '.join(TYPES)}")
    env = given.get("env")
    if env is not None and (not isinstance(env, str) or not _ENV.fullmatch(env)):
        raise SchemaRefused(f"{name}.env: the name of an environment variable is wanted, in capitals")
    if isinstance(given.get("required"), bool):
        required = given["required"]
        given = {key: value for key, value in given.items() if key != "required"}
    secret = kind == "secret" or given.get("secret") is True or given.get("writeOnly") is True
    schema = {key: value for key, value in given.items() if key not in _OWN_KEYS}
    if isinstance(given.get("required"), list):
        schema["required"] = given["required"]
    if secret:
        if given.get("default") not in (None, ""):
            raise SchemaRefused(f"{name}.default: a secret has none; whoever reads the manifest would know it")
        schema = {key: value for key, value in schema.items() if key in _SECRET_KEYS - {"default", "writeOnly"}}
    schema["type"] = "string" if secret else "object" if kind == "config" else kind
    _check_schema(name, schema)
    field = SettingField(name, schema, secret, required, env)
    if "default" in schema and (problem := ConfigSchema({name: field}).problem(name, schema["default"])) is not None:
        raise SchemaRefused(f"{name}.default: {problem.message}")
    return field


def _check_schema(name: str, schema: dict[str, Any]) -> None:
    if _has_far_reference(schema):
        raise SchemaRefused(f"{name}: $ref is not possible here; write it out")
    if is_plain(schema):
        return
    # Here and not above: few plugins have settings that want it.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise SchemaRefused(f"{name}: {error.message[:200]}") from None


def _has_far_reference(value: Any) -> bool:
    if isinstance(value, dict):
        return "$ref" in value or "$dynamicRef" in value or any(map(_has_far_reference, value.values()))
    return isinstance(value, list) and any(map(_has_far_reference, value))


def _is_odd(value: Any) -> bool:
    """Whether it is something that JSON or the database can't hold."""
    if isinstance(value, dict):
        return any(_is_odd(key) or _is_odd(it) for key, it in value.items())
    if isinstance(value, list):
        return any(map(_is_odd, value))
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return not -(1 << 63) <= value < 1 << 63
    return isinstance(value, str) and ("\0" in value or any("\ud800" <= char <= "\udfff" for char in value))
