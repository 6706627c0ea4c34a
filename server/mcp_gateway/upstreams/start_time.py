"""The time that a server has for its start: more where its program may have to be fetched first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator

import anyio

from server.config import SettingsHolder
from server.mcp_gateway.upstreams.standing import Standing
from server.mcp_gateway.upstreams.stderr_hints import says_it_fetches

_LOOK_SECONDS = 0.5
"""A starting program's lines are looked at this often."""


class StartTime:
    """Kept as the deadline of a scope. `lines` are what the program says, `on_longer` hears that it has more time."""

    def __init__(
        self, settings: SettingsHolder, standing: Standing, lines: Collection[str], on_longer: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._standing = standing
        self._lines = lines
        self._on_longer = on_longer

    @contextlib.contextmanager
    def kept(self, scope: anyio.CancelScope, *, installs: bool) -> Iterator[None]:
        """Inside, the server starts; what comes after it has no end. `installs`: a program is fetched."""
        scope.deadline = anyio.current_time() + self._settings.current.mcp_start_timeout_seconds
        if installs:
            self._longer(scope)
        watching = asyncio.create_task(self._watch(scope))
        try:
            yield
        finally:
            watching.cancel()
        scope.deadline = float("inf")

    @property
    def over(self) -> str:
        """What is said of a server that was not ready in time."""
        if self._standing.state == "installing":
            limit, name = self._settings.current.mcp_install_timeout_seconds, "mcp_install_timeout_seconds"
        else:
            limit, name = self._settings.current.mcp_start_timeout_seconds, "mcp_start_timeout_seconds"
        return f"It was not ready within {limit:g} s ({name})."

    async def _watch(self, scope: anyio.CancelScope) -> None:
        """A program that tells of fetching something has more time than one that only starts."""
        while self._standing.state == "starting":
            await asyncio.sleep(_LOOK_SECONDS)
            if self._standing.state == "starting" and says_it_fetches(self._lines):
                self._longer(scope)

    def _longer(self, scope: anyio.CancelScope) -> None:
        current = self._settings.current
        self._standing.start(installs=True)
        scope.deadline += current.mcp_install_timeout_seconds - current.mcp_start_timeout_seconds
        self._on_longer()
