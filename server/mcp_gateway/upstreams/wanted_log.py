"""From which level on somebody wants a server's messages for a log."""

from __future__ import annotations

import asyncio
import contextlib

from server.mcp_gateway.log_levels import is_wanted
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.supervisor import Supervisor


class WantedLog:
    """Servers of the older eras are told a level once, newer ones with each request."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._level: str | None = None
        self._telling: asyncio.Task[None] | None = None

    def want(self, level: str) -> None:
        """Somebody wants them from this level on; of several the least grave holds."""
        if self._level is not None and is_wanted(level, self._level):
            return
        self._level = level
        if (session := self._supervisor.current) is not None:
            self._telling = asyncio.get_running_loop().create_task(self.tell(session))

    async def tell(self, session: Session) -> None:
        """Let the server know, if it wants to and somebody listens."""
        if self._level is not None and not session.is_modern and session.may_log:
            with contextlib.suppress(RequestFailed):
                await session.set_log_level(self._level)
