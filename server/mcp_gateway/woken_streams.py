"""Server-sent events that say one thing only, again and again: something is new, look at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from server.access.actor import Actor
from server.auth.endings import Endings
from server.errors import RateLimited

HEARTBEAT_SECONDS = 15.0
MAX_SECONDS = 3600.0
PER_PERSON = 8


class WokenStream:
    """`first` is told at once, `again` after each `wake`; however often it is woken meanwhile, it is told once.

    `goes_on` is asked before each message, at least every `HEARTBEAT_SECONDS`. It is made on the event loop.
    """

    def __init__(self, first: bytes, again: bytes, goes_on: Callable[[], bool]) -> None:
        self.ends = contextlib.ExitStack()
        """What is to be undone when it is over."""
        self._first = first
        self._again = again
        self._goes_on = goes_on
        self._over = False
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something is new."""
        self._news.set()

    def end(self) -> None:
        """There is no more; may be called again."""
        self._over = True
        self._news.set()
        self.ends.close()

    async def messages(self) -> AsyncIterator[bytes]:
        """To its end."""
        try:
            yield self._first
            while not self._over:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await self._news.wait()
                if self._over or not self._goes_on():
                    return
                woken = self._news.is_set()
                self._news.clear()
                yield self._again if woken else b": still here\n\n"
        finally:
            self.end()


class WokenStreams:
    """Those of one kind. Each ends with its credential, after an hour, or when the program stops."""

    def __init__(self, endings: Endings, refusal: str) -> None:
        self._endings = endings
        self._refusal = refusal
        self._open: dict[WokenStream, int | None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def check(self, actor: Actor) -> None:
        """Whether there may be one more. Raises RateLimited, with the refusal as its words."""
        if sum(1 for person in self._open.values() if person == actor.user_id) >= PER_PERSON:
            raise RateLimited(self._refusal, code="too_many_streams", retry_after=5.0)

    def admit(self, actor: Actor, stream: WokenStream) -> AsyncIterator[bytes]:
        """Its messages. Raises RateLimited, and ends it, where others have come since `check`."""
        try:
            self.check(actor)
        except RateLimited:
            stream.end()
            raise
        self._open[stream] = actor.user_id
        stream.ends.callback(self._open.pop, stream, None)
        stream.ends.callback(self._endings.watch(actor, stream.end))
        # Also for one that nobody began to read.
        stream.ends.callback(asyncio.get_running_loop().call_later(MAX_SECONDS, stream.end).cancel)
        return stream.messages()

    def end(self) -> None:
        """End all of them."""
        for stream in list(self._open):
            stream.end()
