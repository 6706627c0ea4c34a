"""What clients believe that a server offers: they are told when that is not so any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.upstreams.notices import TOOLS_CHANGED, Notice

if TYPE_CHECKING:
    from server.mcp_gateway.upstreams.upstream import Upstream


class Shown:
    """Of one connection. While nobody has asked for its tools there is nothing to be told."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._tools: dict[str, Tool] | None = None

    def listed(self) -> dict[str, Tool]:
        """What is offered now; who asked for it knows it."""
        self._tools = self._now()
        return self._tools

    def tools_changed(self) -> None:
        """They may be others now, by the server itself or by an admin."""
        if self._differs():
            self._upstream.notices.tell(Notice(TOOLS_CHANGED, self._upstream))

    def standing_changed(self) -> None:
        """A server that is down offers nothing, and one that is there for the first time may offer all."""
        if self._differs():
            self._upstream.notices.lists_changed(self._upstream)

    def forget(self) -> None:
        """Another is in its place: of this one nothing is told any more."""
        self._tools = None

    def _differs(self) -> bool:
        now, before = self._now(), self._tools
        if before is None:
            return False
        self._tools = now
        return now != before

    def _now(self) -> dict[str, Tool]:
        return {} if self._upstream.is_down else self._upstream.known_tools
