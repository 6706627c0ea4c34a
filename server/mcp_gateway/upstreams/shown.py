"""What clients believe that a server offers: they are told when that is not so any more."""

from __future__ import annotations

from collections.abc import Callable

from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.upstreams.notices import TOOLS_CHANGED, OwnNotices


class Shown:
    """Of one connection. While nobody has asked for its tools there is nothing to be told."""

    def __init__(self, notices: OwnNotices, offered: Callable[[], dict[str, Tool]]) -> None:
        """`offered` are the tools that may be called at this moment, by public name."""
        self._notices, self._offered = notices, offered
        self._tools: dict[str, Tool] | None = None

    def listed(self) -> dict[str, Tool]:
        """What is offered now; who asked for it knows it."""
        self._tools = self._offered()
        return self._tools

    def tools_changed(self) -> None:
        """They may be others now, by the server itself or by an admin."""
        if self._differs():
            self._notices.tell(TOOLS_CHANGED)

    def standing_changed(self) -> None:
        """A server that is down offers nothing, and one that is there for the first time may offer all."""
        if self._differs():
            self._notices.lists_changed()

    def forget(self) -> None:
        """Another is in its place: of this one nothing is told any more."""
        self._tools = None

    def _differs(self) -> bool:
        now, before = self._offered(), self._tools
        if before is None:
            return False
        self._tools = now
        return now != before
