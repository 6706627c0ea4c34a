"""What somebody says yes to when they switch a plugin on: its permissions, and which servers it brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.plugin_host.manifest import Manifest
from server.plugin_host.mcp_server_entry import in_words
from server.plugin_host.permissions import Permission, preview


def asked(plugin_id: str, manifest: Manifest) -> list[dict[str, Any]]:
    """The permissions as a person is shown them before they say yes."""
    return preview(manifest.permissions, {"mcp_servers": servers_asked(plugin_id, manifest)})


def servers_asked(plugin_id: str, manifest: Manifest) -> list[str]:
    """What its MCP servers start and reach, one line each."""
    return in_words(plugin_id, manifest.mcp_servers)


def newly_asked(plugin_id: str, manifest: Manifest, row: Mapping[str, Any] | None) -> list[Permission]:
    """What nobody said yes to so far. `row` is the plugin's, None for one that was never there."""
    allowed, servers = ((), ()) if row is None else (row["permissions"], row["mcp_servers"])
    more = set(manifest.permissions).difference(allowed)
    if set(servers_asked(plugin_id, manifest)).difference(servers):
        more.add("mcp_servers")
    return sorted(more)
