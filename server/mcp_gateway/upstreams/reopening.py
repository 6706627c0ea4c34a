"""Opens a connection again that was lost while somebody waits for news of its server."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams.notices import RESOURCE_UPDATED, Notice

if TYPE_CHECKING:
    from server.mcp_gateway.upstreams.upstream import Upstream

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0


class Reopening:
    """Of one connection. It tries as often as the standing of the server allows, and not while a person is wanted."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def look(self) -> None:
        """The standing changed."""
        idle = self._task is None or self._task.done()
        if idle and not self._ended and self._is_wanted():
            self._task = asyncio.get_running_loop().create_task(self._open(), name="news of an MCP server")

    def end(self) -> None:
        """Nobody waits for news from this connection any more."""
        self._ended = True
        if self._task is not None:
            self._task.cancel()

    def _is_wanted(self) -> bool:
        supervisor = self._upstream.supervisor
        wanted = bool(self._upstream.watched) and self._upstream.config.enabled and supervisor.current is None
        return wanted and not supervisor.standing.waits_for_a_person

    async def _open(self) -> None:
        upstream = self._upstream
        while self._is_wanted():
            await asyncio.sleep(max(_AGAIN_SECONDS, upstream.retry_after))
            try:
                await upstream.open(upstream.start_wait)
            except CallFailed as error:
                _log.debug("MCP server %s can't be reached for its news: %s", upstream.config.name, error.message)
                continue
            # What happened in between nobody has told.
            upstream.notices.lists_changed(upstream)
            for uri in upstream.watched.uris:
                upstream.notices.tell(Notice(RESOURCE_UPDATED, upstream, params={"uri": uri}))
