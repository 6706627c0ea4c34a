"""Hears when the client of a request hangs up, without a task that waits for it where the server can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope

EXTENSION = "gridbear.hang_up"
"""In the `extensions` of a scope, a `Watch`: what the ASGI channel says at most once, and only to one who waits."""

Stop = Callable[[], None]
Watch = Callable[[Callable[[], None]], Stop]
"""Call the callback, once, when the connection is gone. Returns what stops watching."""


def on_hang_up(scope: Scope, receive: Receive, callback: Callable[[], None]) -> Stop:
    """Call `callback`, once, when nobody waits for the answer any more. Returns what stops watching.

    The body must have been read whole before: what else comes in by `receive` may be thrown away.
    """
    watch: Watch | None = scope.get("extensions", {}).get(EXTENSION)
    if watch is not None:
        return watch(callback)
    waiting = asyncio.ensure_future(_hung_up(receive))

    def told(ended: asyncio.Future[None]) -> None:
        if not ended.cancelled():
            ended.exception()  # whatever ended it
            callback()

    def stop() -> None:
        waiting.remove_done_callback(told)
        waiting.cancel()

    waiting.add_done_callback(told)
    return stop


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
