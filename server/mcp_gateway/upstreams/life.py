"""Whether a connection still lives: who uses it now, when anything was last heard on it, and asking whether it does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.vigil import Vigil

_SIGN_SECONDS = 2.0
_SILENT_SECONDS = 60.0
"""A network connection on which nothing was heard for so long may be dead without a sign."""


class Life:
    """Of one server's sessions, one after the other. `on_silence` is told of a session that gave no sign of life."""

    def __init__(
        self,
        clock: Callable[[], float],
        vigil: Vigil,
        on_silence: Callable[[Session], None],
        *,
        on_a_network: bool,
    ) -> None:
        self._clock = clock
        self._vigil = vigil
        self._on_silence = on_silence
        self._on_a_network = on_a_network
        self._users = 0
        self._last_used = clock()
        self._alive_at = self._last_used
        self._sleeps = 0
        self._asking: asyncio.Task[bool] | None = None

    def begin(self) -> None:
        """A new session has just answered."""
        self.touch()
        self._alive_at = self._last_used
        self._sleeps = self._vigil.sleeps()
        self._asking = None

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """While inside, it is in use."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self.touch()

    def touch(self) -> None:
        """It is of use at this moment."""
        self._last_used = self._clock()

    @property
    def in_use(self) -> bool:
        """Whether somebody uses it now."""
        return self._users > 0

    def unused_for(self) -> float:
        """Seconds since it was of use."""
        return self._clock() - self._last_used

    def has_slept(self) -> bool:
        """Whether this computer slept since the session was last known to live."""
        return self._vigil.sleeps() != self._sleeps

    def is_doubtful(self) -> bool:
        """Whether it may be gone without a sign: after a sleep, or on a network that was silent for long."""
        silent = self._clock() - max(self._alive_at, self._last_used)
        on_a_network = self._on_a_network and self._users <= 1
        return self.has_slept() or (on_a_network and silent > _SILENT_SECONDS)

    async def answers(self, session: Session) -> bool:
        """Ask the server for a sign of life, once for all who want to know. Whether it gave one."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(session))
        return await asyncio.shield(self._asking)

    async def _ask(self, session: Session) -> bool:
        sleeps = self._vigil.sleeps()
        try:
            async with asyncio.timeout(_SIGN_SECONDS):
                await session.ping()
        except (RequestFailed, TimeoutError):
            self._on_silence(session)
            return False
        self._alive_at = self._clock()
        self._sleeps = sleeps
        return True
