"""The settings of a plugin as it gets them: what the environment, an admin and the manifest say, in this order."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

import orjson

from server.plugin_host.config_schema import ConfigSchema, SettingField

log = logging.getLogger(__name__)


def effective(
    plugin_id: str, schema: ConfigSchema, stored: Mapping[str, Any] | None, env: Mapping[str, str]
) -> dict[str, Any]:
    """The settings as a plugin gets them, secrets left out: environment, else stored, else default, else None.

    A stored value that does not fit the manifest any more counts as not set.
    """
    values: dict[str, Any] = {}
    for field in schema.fields.values():
        if field.secret:
            continue
        values[field.name] = field.default
        given = env.get(field.env) if field.env else None
        if given:
            value = _from_text(field, given)
        elif stored is not None and field.name in stored:
            value = stored[field.name]
        else:
            continue
        if (problem := schema.problem(field.name, value)) is not None:
            log.warning("plugin %s: the setting %s is not used: %s", plugin_id, field.name, problem.message)
            continue
        values[field.name] = value
    return values


def secret_variables(schema: ConfigSchema) -> dict[str, str]:
    """The environment variables that the manifest names for its secrets."""
    return {field.name: field.env for field in schema.fields.values() if field.secret and field.env}


def _from_text(field: SettingField, text: str) -> Any:
    if field.schema["type"] == "string":
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.strip().lower(), text)


def is_outside(field: SettingField) -> bool:
    """Whether the environment sets it."""
    return bool(field.env and os.environ.get(field.env))
