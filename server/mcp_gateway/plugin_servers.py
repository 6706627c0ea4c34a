"""MCP servers that plugins bring: records that come and change with their plugin and are nobody's to edit.

A plugin that is off has its servers out of force, and what people decided about them (rules, approvals, the switch)
waits with their records: a tool that somebody forbade is not allowed again by switching the plugin off and on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.access.actor import SYSTEM
from server.errors import Conflict
from server.mcp_gateway.hosted import Hosted
from server.mcp_gateway.upstreams.pool import MODEL, UpstreamPool
from server.mcp_gateway.upstreams.references import SecretValue
from server.models.base import WriteVerb
from server.records.service import Records


class PluginServers:
    """Keeps the records of plugins that run as their manifests say, and has the pool serve them."""

    def __init__(self, records: Records, pool: UpstreamPool, hosted: Hosted) -> None:
        self._records = records
        self._pool = pool
        self._hosted = hosted
        self._running: set[str] = set()
        self._declared: dict[int, tuple[str, Mapping[str, Any]]] = {}
        """Of those in force: their plugin, and the fields that it decides."""

    async def put(self, plugin: str, servers: Mapping[str, Mapping[str, Any]], secret: SecretValue) -> None:
        """Offer these servers of a plugin, by name, and no others of it. `secret` gives one of its secrets.

        What people decided about those that were there stays. Raises Conflict (`name_taken`) before anything is
        changed, and ValidationFailed.
        """
        if servers:
            self._running.add(plugin)
        known = {row["name"]: row for row in await self._records.find(SYSTEM, MODEL, where={"plugin": plugin})}
        for name in servers:
            self._check_free(name, known)
        for name in known.keys() - servers.keys():
            await self._records.delete(SYSTEM, MODEL, known[name]["id"])
        for name, values in servers.items():
            if name not in known:
                row = await self._records.create(SYSTEM, MODEL, {"name": name, "plugin": plugin, **values})
            else:
                row = await self._records.reveal(SYSTEM, MODEL, known[name]["id"])
                different = {key: value for key, value in values.items() if row[key] != value}
                if different:
                    await self._records.update(SYSTEM, MODEL, row["id"], different)
            self._declared[row["id"]] = plugin, {**values, "name": name, "plugin": plugin}
        if servers:
            await self._pool.begin_plugin(plugin, secret)

    async def take(self, plugin: str) -> None:
        """End the servers of a plugin. Their records stay, out of force."""
        self._running.discard(plugin)
        for server_id in [at for at, (of, _) in self._declared.items() if of == plugin]:
            del self._declared[server_id]
        await self._pool.end_plugin(plugin)

    def check(self, verb: WriteVerb, server_id: int, row: Mapping[str, Any] | None) -> None:
        """Raise Conflict unless a server may be as it is now, or be gone (None): a plugin decides about its own."""
        if row is not None and verb == "create" and row["plugin"] not in (None, *self._running):
            raise Conflict(f"This server comes with the plugin {row['plugin']}: enable that.", code="of_plugin")
        plugin, values = self._declared.get(server_id, ("", {}))
        if plugin and row is None:
            raise Conflict(
                f"This server comes with the plugin {plugin}: switch the server off, or disable the plugin.",
                code="of_plugin",
            )
        if row is not None and (wrong := sorted(name for name, value in values.items() if row[name] != value)):
            raise Conflict(
                f"This server comes with the plugin {plugin}, which decides {', '.join(wrong)}.", code="of_plugin"
            )

    def _check_free(self, name: str, own: Mapping[str, Any]) -> None:
        taken = name in self._hosted or self._records.look_up(SYSTEM, MODEL, "name", name) is not None
        if taken and name not in own:
            raise Conflict(
                f"there is an MCP server named {name} already; rename or delete it, then switch the plugin on again",
                code="name_taken",
            )


async def forget_plugin_servers(records: Records, plugin: str) -> None:
    """Delete the servers of a plugin that is gone with its data, with what was decided about them."""
    for row in await records.find(SYSTEM, MODEL, where={"plugin": plugin}):
        await records.delete(SYSTEM, MODEL, row["id"])
