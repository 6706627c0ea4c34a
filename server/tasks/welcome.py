"""Whether whom a task acts for may still enter, while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from server.access.actor import Actor
from server.errors import Forbidden
from server.events.bus import Bus, RecordChanged
from server.records.service import Records
from server.tasks.acting import actor_now
from server.tasks.kinds import Runner
from server.tasks.report import Report

LOOK_SECONDS = 15.0
"""How long work may outlive a token whose end nothing tells of: its time is up, or a cap dropped it."""
_MODELS = ("users", "api_tokens", "oauth_tokens", "oauth_clients")


class Welcome:
    """Ends work at once when its person or the token that asked for it is let in no more."""

    def __init__(self, records: Records, bus: Bus, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._records = records
        self._bus = bus

    async def work(
        self, owner_id: int | None, acting: Mapping[str, Any] | None, run: Runner, given: dict[str, Any], report: Report
    ) -> Any:
        """What `run` returns. Raises Forbidden, before or in the middle of it, when they may not enter any more."""
        actor = actor_now(self._records, owner_id, acting)
        task = asyncio.current_task()
        assert task is not None
        cancelling, loop = task.cancelling(), asyncio.get_running_loop()
        ended: Forbidden | None = None
        timer: asyncio.TimerHandle

        def changed(event: RecordChanged) -> None:
            if event.model != "users" or event.record_id == owner_id:
                look()

        def look() -> None:
            nonlocal ended
            if ended is not None:
                return
            try:
                _want_rights_of(actor, actor_now(self._records, owner_id, acting))
            except Forbidden as error:
                ended = error
                task.cancel()

        def look_and_go_on() -> None:
            nonlocal timer
            look()
            timer = loop.call_later(self._look_seconds, look_and_go_on)

        timer = loop.call_later(self._look_seconds, look_and_go_on)
        stop_looking = self._bus.subscribe(changed, _MODELS)
        try:
            return await run(actor, given, report)
        except asyncio.CancelledError:
            # Somebody else may have cancelled it in the same moment: then it is cancelled.
            if ended is None or task.uncancel() > cancelling:
                raise
            raise ended from None
        finally:
            stop_looking()
            timer.cancel()


def _want_rights_of(before: Actor, now: Actor) -> None:
    if before.is_admin and not now.is_admin:
        raise Forbidden("The person of this task was an admin when it began, and is none any more.")
