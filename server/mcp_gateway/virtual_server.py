"""A server that is part of this program: it passes the same pipeline as those that are reached by a protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from server.access.actor import Actor
from server.mcp_gateway.catalogue.tool import Tool


class HostedResources(Protocol):
    """Resources of such a server: every URI begins with `prefix`."""

    prefix: str
    version: str
    """Of the plugin that has them."""

    def templates(self) -> list[dict[str, Any]]:
        """As resources/templates/list tells them."""

    async def listed(self, actor: Actor) -> list[dict[str, Any]]:
        """As resources/list tells them, for `actor`."""

    async def read(self, actor: Actor, uri: str, *, modern: bool) -> dict[str, Any]:
        """The result of resources/read. Raises CallFailed."""


class VirtualServer(Protocol):
    """What the gateway wants of it. All is in memory, so it is always ready."""

    name: str

    @property
    def resources(self) -> HostedResources | None:
        """None: it has none."""

    def tools(self, actor: Actor) -> Mapping[str, Tool]:
        """The tools that `actor` may call, by public name; none: they don't know of this server."""

    async def call(self, actor: Actor, tool: Tool, arguments: dict[str, Any] | None) -> dict[str, Any]:
        """Call one of them. Raises CallFailed."""
