"""Changes of one resource as server-sent events, for whoever looks at it over REST."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import orjson

from server.auth.endings import Endings
from server.errors import RateLimited
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.subscriptions import Subscription, Subscriptions
from server.mcp_gateway.upstreams.notices import RESOURCE_UPDATED, Notice

HEARTBEAT_SECONDS = 15.0
MAX_SECONDS = 3600.0
PER_PERSON = 8


class ResourceUpdates:
    """Opens such streams and ends them: with their credential, after an hour, or when the program stops."""

    def __init__(self, gateway: Gateway, subscriptions: Subscriptions, endings: Endings) -> None:
        self._gateway = gateway
        self._subscriptions = subscriptions
        self._endings = endings
        self._open: set[_Stream] = set()

    async def open(self, caller: Caller, uri: str) -> AsyncIterator[bytes]:
        """Its messages: `updated`, with the URI, whenever its server says so. Raises CallFailed, RateLimited."""
        person = caller.actor.user_id
        if sum(1 for one in self._open if one.caller.actor.user_id == person) >= PER_PERSON:
            text = f"You watch {PER_PERSON} resources already, the most there may be."
            raise RateLimited(text, code="too_many_streams", retry_after=5.0)
        stream = _Stream(caller, await self._subscriptions.begin(caller, uri), self._gateway)
        self._open.add(stream)
        stream.ends.callback(self._open.discard, stream)
        stream.ends.callback(self._subscriptions.end, caller, stream.subscription)
        stream.ends.callback(self._gateway.notices.listen(stream.hear))
        stream.ends.callback(self._endings.watch(caller.actor, stream.end))
        # Also for one that nobody began to read.
        stream.ends.callback(asyncio.get_running_loop().call_later(MAX_SECONDS, stream.end).cancel)
        return stream.messages()

    def end(self) -> None:
        """End all of them."""
        for stream in list(self._open):
            stream.end()


class _Stream:
    def __init__(self, caller: Caller, subscription: Subscription, gateway: Gateway) -> None:
        self.caller = caller
        self.subscription = subscription
        self.ends = contextlib.ExitStack()
        """What is to be undone when it is over."""
        self._gateway = gateway
        self._over = False
        self._updated = 0
        self._news = asyncio.Event()

    def hear(self, notice: Notice) -> None:
        """A notice of any server."""
        mine = self.subscription
        if (
            notice.method == RESOURCE_UPDATED
            and notice.upstream is mine.upstream
            and (notice.params or {}).get("uri") == mine.uri
        ):
            self._updated += 1
            self._news.set()

    def end(self) -> None:
        """There is no more; may be called again."""
        self._over = True
        self._news.set()
        self.ends.close()

    async def messages(self) -> AsyncIterator[bytes]:
        """To its end."""
        data = orjson.dumps({"uri": self.subscription.uri})
        told = 0
        try:
            yield b"event: watching\ndata: %s\n\n" % data
            while not self._over:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await self._news.wait()
                if self._over or not self._may_hear():
                    return
                self._news.clear()
                # However often it changed meanwhile: it is read once.
                yield b"event: updated\ndata: %s\n\n" % data if self._updated != told else b": still here\n\n"
                told = self._updated
        finally:
            self.end()

    def _may_hear(self) -> bool:
        return self._gateway.hears(self.caller.actor, self.subscription.upstream, whole=True)
