"""Settings of plugins: shown and changed by admins, typed by the manifest, secrets among the sealed ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import orjson

from server.access.actor import SYSTEM, Actor
from server.access.demands import demand_admin
from server.errors import NotFound, ValidationFailed
from server.plugin_host.config_schema import ConfigSchema
from server.plugin_host.effective_settings import effective, is_outside, secret_variables
from server.plugin_host.host import PluginHost
from server.plugin_host.secrets import PluginSecrets, forget_secret
from server.records.service import Records

ROWS = "plugins"


class PluginSettings:
    """What admins see and change. A change starts a running plugin again."""

    def __init__(self, host: PluginHost, records: Records) -> None:
        self._host = host
        self._records = records

    async def show(self, actor: Actor, plugin_id: str) -> dict[str, Any]:
        """The settings with their schema; of secrets only whether they are set. Raises NotFound, Forbidden."""
        _admins_only(actor)
        schema, row = self._known(plugin_id)
        secrets = self._secrets(plugin_id, schema)
        values = effective(plugin_id, schema, row["config"], os.environ)
        set_outside = [field.name for field in schema.fields.values() if not field.secret and is_outside(field)]
        kept = {
            field.name: {
                "is_set": secrets.get(field.name) is not None,
                "from_environment": secrets.is_outside(field.name),
            }
            for field in schema.fields.values()
            if field.secret
        }
        missing = [
            field.name
            for field in schema.fields.values()
            if field.required and (not kept[field.name]["is_set"] if field.secret else values[field.name] is None)
        ]
        return {
            "schema": schema.json_schema,
            "values": values,
            "secrets": kept,
            "from_environment": set_outside,
            "missing": missing,
            "state": row["state"],
            "error": row["error"],
        }

    async def change(self, actor: Actor, plugin_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the settings: what is left out returns to its default, but a secret keeps its value (null clears it).

        Returns what `show` does. Raises ValidationFailed naming every field, NotFound, Forbidden.
        """
        _admins_only(actor)
        schema, row = self._known(plugin_id)
        plain = {name: value for name, value in given.items() if not self._is_cleared_secret(schema, name, value)}
        schema.check(plain)
        secrets = self._secrets(plugin_id, schema)
        now = effective(plugin_id, schema, row["config"], os.environ)
        for name, value in given.items():
            field = schema.fields[name]
            # What a form sends back as it was shown changes nothing.
            if secrets.is_outside(name) if field.secret else is_outside(field) and value != now[name]:
                raise ValidationFailed.of(name, "read_only", "an environment variable sets it; change it there")
        own = {name for name, field in schema.fields.items() if not field.secret and not is_outside(field)}
        config = {name: value for name, value in plain.items() if name in own}
        for field in schema.fields.values():
            lacks = not field.secret and field.required and field.name not in config and field.default is None
            if lacks and not is_outside(field):
                raise ValidationFailed.of(field.name, "required", "a value is wanted")
        for name, value in given.items():
            if schema.fields[name].secret:
                await (forget_secret(self._records, plugin_id, name) if value is None else secrets.put(name, value))
        await self._records.update(SYSTEM, ROWS, row["id"], {"config": orjson.dumps(config).decode()})
        # Only the names: values may be what somebody would rather not find in a log.
        await self._records.note("plugin_configured", actor, about=plugin_id, fields=tuple(sorted(given)))
        await self._host.with_other_files(plugin_id, lambda: None)
        return await self.show(actor, plugin_id)

    def _known(self, plugin_id: str) -> tuple[ConfigSchema, dict[str, Any]]:
        plugin = self._host.named(plugin_id)
        row = self._host.row_now(plugin_id)
        if plugin.manifest is None or row is None:
            raise NotFound(f"The plugin {plugin_id} has no manifest that can be read: {plugin.error}")
        return plugin.manifest.settings, row

    def _secrets(self, plugin_id: str, schema: ConfigSchema) -> PluginSecrets:
        return PluginSecrets(plugin_id, self._records, os.environ, secret_variables(schema))

    def _is_cleared_secret(self, schema: ConfigSchema, name: str, value: Any) -> bool:
        return value is None and name in schema.fields and schema.fields[name].secret


def _admins_only(actor: Actor) -> None:
    demand_admin(actor, "Only admins see and change settings of plugins.")
