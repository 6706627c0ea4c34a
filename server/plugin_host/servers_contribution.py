"""MCP servers of plugins: programs and addresses that a manifest names, served as all others are."""

from __future__ import annotations

from server.mcp_gateway.plugin_servers import PluginServers
from server.plugin_host.live import Failed, LivePlugin, failure_of
from server.plugin_host.manifest import MANIFEST_FILE
from server.plugin_host.mcp_server_entry import MOST_NAME, server_name


class PluginMcpServers:
    """The contribution."""

    def __init__(self, servers: PluginServers) -> None:
        self._servers = servers

    async def contribute(self, plugin: LivePlugin) -> None:
        """Offer the MCP servers of a plugin, and none that an earlier version of it brought."""
        where = f"{plugin.id}/{MANIFEST_FILE}"
        wanted = {server_name(plugin.id, key): it for key, it in plugin.manifest.mcp_servers.items()}
        for name in wanted:
            if len(name) > MOST_NAME:
                raise Failed(f"{where}: mcp_servers: {name} has {len(name)} characters; at most {MOST_NAME} are wanted")
        plugin.stack.push_async_callback(self._servers.take, plugin.id)
        try:
            rows = {name: entry.values(plugin.folder) for name, entry in wanted.items()}
            await self._servers.put(plugin.id, rows, plugin.context.secret)
        except Exception as error:
            failed = failure_of(plugin.id, MANIFEST_FILE, error)
            raise Failed(f"{where}: mcp_servers: {failed.message}", failed.trace) from error
