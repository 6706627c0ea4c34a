"""Opens a connection again that was lost while somebody waits for news of its server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams.notices import RESOURCE_UPDATED, OwnNotices
from server.mcp_gateway.upstreams.supervisor import Supervisor
from server.mcp_gateway.upstreams.watched import Watched

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0


class Reopening:
    """Of one connection. It tries as often as the standing of the server allows, and not while a person is wanted."""

    def __init__(
        self,
        supervisor: Supervisor,
        notices: OwnNotices,
        watched: Watched,
        *,
        open_it: Callable[[], Awaitable[object]],
        retry_after: Callable[[], float],
    ) -> None:
        """`open_it` starts the server and raises CallFailed; `retry_after` are the seconds until it may."""
        self._supervisor = supervisor
        self._notices = notices
        self._watched = watched
        self._open_it = open_it
        self._retry_after = retry_after
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
        supervisor = self._supervisor
        wanted = bool(self._watched) and supervisor.config.enabled and supervisor.current is None
        return wanted and not supervisor.standing.waits_for_a_person

    async def _open(self) -> None:
        while self._is_wanted():
            await asyncio.sleep(max(_AGAIN_SECONDS, self._retry_after()))
            try:
                await self._open_it()
            except CallFailed as error:
                name = self._supervisor.config.name
                _log.debug("MCP server %s can't be reached for its news: %s", name, error.message)
                continue
            await self._watched.settled()
            # What happened in between nobody has told.
            self._notices.lists_changed()
            for uri in self._watched.uris:
                self._notices.tell(RESOURCE_UPDATED, {"uri": uri})
