"""Requests that stay open for long, and sessions of MCP: each hears when what let it in has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.access.actor import Actor
from server.auth.authenticate import CREDENTIAL_MODELS, Authenticator, concerns
from server.config import SettingsHolder
from server.events.bus import Bus, RecordChanged

LOOK_SECONDS = 15.0
"""How long something may outlive a credential whose end nothing tells of: its time is up, or a cap dropped it."""


class Endings:
    """Watches credentials for whoever has let somebody in and holds the door open."""

    def __init__(
        self, authenticator: Authenticator, settings: SettingsHolder, bus: Bus, *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._authenticator = authenticator
        self._look_seconds = look_seconds
        self._watched: dict[object, tuple[Actor, Callable[[], None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ends = (
            bus.subscribe(self._changed, CREDENTIAL_MODELS),
            settings.subscribe(lambda _settings: self.look()),
        )

    def watch(self, actor: Actor, end: Callable[[], None]) -> Callable[[], None]:
        """Call `end`, once, when the credential of `actor` lets them in no more. Returns what stops watching."""
        key = object()
        self._watched[key] = (actor, end)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._look_seconds, self._look_and_go_on)
        return lambda: self._forget(key)

    def look(self, event: RecordChanged | None = None) -> None:
        """End what has no right to be open any more; with `event` only what that may have ended."""
        # Many requests come with one credential; it is looked at once.
        good: dict[Actor, bool] = {}
        for key, (actor, end) in list(self._watched.items()):
            if event is not None and not concerns(event, actor):
                continue
            if actor not in good:
                good[actor] = self._authenticator.is_still(actor)
            if not good[actor]:
                self._forget(key)
                end()

    def stop(self) -> None:
        """Watch nothing any more."""
        for unsubscribe in self._ends:
            unsubscribe()
        self._watched.clear()
        self._rest()

    def _changed(self, event: RecordChanged) -> None:
        self.look(event)

    def _look_and_go_on(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._look_seconds, self._look_and_go_on)
        self.look()

    def _forget(self, key: object) -> None:
        self._watched.pop(key, None)
        if not self._watched:
            self._rest()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
