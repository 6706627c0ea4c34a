"""Deeds that are done once, however often their request comes: a resent one gets the answer of the first.

For what leaves no row behind that could hold its key, such as the call of a tool. It is kept in memory: such a request
comes again within moments, from a browser whose connection died or a client that waited in vain, and a restart ends the
deed itself and all connections with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.asgi.body import read_body, replayed
from server.asgi.replies import send_body, send_error
from server.asgi.request_key import REPLAYED, RequestKey, interrupted, key_in
from server.errors import Conflict, GridBearError, Unauthorized

KEPT_SECONDS = 3600.0
MOST_OF_A_PERSON = 200
MOST = 10_000
LARGEST_ANSWER = 1 << 20
MOST_BYTES = 16 << 20
_NOTHING_DONE = frozenset((503, 507))
"""Beside what is the caller's own fault: the server had no room. All else may have been done."""
_KEPT_HEADERS = frozenset((b"content-type", b"cache-control", b"location", b"etag"))

Slot = tuple[str, int | None, int | None, str]


class Caller(Protocol):
    """Whose request it is; equal callers may do the same."""

    @property
    def kind(self) -> str: ...

    @property
    def user_id(self) -> int | None: ...

    @property
    def credential_id(self) -> int | None: ...


@dataclass(slots=True, eq=False)
class _Deed:
    caller: Caller
    request_hash: str
    begun: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes | None = None
    """None: not known, or not kept."""
    whole: bool = False
    """Its answer came to its end, kept or not."""

    @property
    def done(self) -> bool:
        """Whether it may have done something, as far as its answer says."""
        return not (400 <= self.status < 500 or self.status in _NOTHING_DONE)

    def hear(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.body = message["status"], b""
            headers = list(message.get("headers", ()))
            self.headers = [(name, value) for name, value in headers if name in _KEPT_HEADERS]
            if any(_is_for_nobody_else(name.lower(), value) for name, value in headers):
                self.body = None
        elif message["type"] == "http.response.body":
            if self.body is not None:
                self.body += message.get("body", b"")
                if len(self.body) > LARGEST_ANSWER:
                    self.body = None
            self.whole = not message.get("more_body", False)


def _is_for_nobody_else(name: bytes, value: bytes) -> bool:
    return name == b"set-cookie" or (name == b"cache-control" and b"no-store" in value)


class Once:
    """In front of an app: `covers` says for which addresses a POST with a key is done once. Used on the event loop.

    Answers that failed by the caller's fault, or for want of room, are not kept: nothing was done, and the same request
    may come again with the same key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        actor_for: Callable[[Scope], Caller],
        covers: Callable[[str], bool],
        limit: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._actor_for = actor_for
        self._covers = covers
        self._limit = limit
        self._clock = clock
        self._deeds: dict[Slot, _Deed] = {}
        """The oldest first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = None
        if scope["type"] == "http" and scope["method"] == "POST" and self._covers(scope["path"]):
            sent = key_in(scope["headers"])
        if sent is None:
            await self._app(scope, receive, send)
            return
        try:
            caller = self._actor_for(scope)
        except Unauthorized:
            # The route says so in its own way.
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(receive, scope, self._limit())
            target = f"POST {scope['path']}?{scope['query_string'].decode('latin-1')}"
            key = RequestKey.of(sent, target, body)
            slot = (caller.kind, caller.user_id, caller.credential_id, key.key_hash)
            deed = await self._earlier(slot, key)
            if deed is not None:
                await self._tell(deed, caller, send)
                return
        except GridBearError as error:
            await send_error(error, scope, receive, send)
            return
        except ClientDisconnect:
            return
        await self._do(slot, _Deed(caller, key.request_hash, self._clock()), scope, replayed(body, receive), send)

    async def _earlier(self, slot: Slot, key: RequestKey) -> _Deed | None:
        """The deed that was begun with the key, when it has ended. None when nothing came of it, or there is none."""
        self._forget_old()
        while (deed := self._deeds.get(slot)) is not None:
            key.check(deed.request_hash)
            if deed.ended.is_set():
                break
            await deed.ended.wait()
        return deed

    async def _tell(self, deed: _Deed, caller: Caller, send: Send) -> None:
        if not deed.whole:
            raise interrupted("A request with this Idempotency-Key was broken off, and may have done its work.")
        if deed.body is None or deed.caller != caller:
            raise Conflict(
                "This was done by an earlier request with the same Idempotency-Key, and its answer is not kept. "
                "Look at what is there, and take a new key to do it once more.",
                code="idempotency_answer_gone",
            )
        await send_body(send, deed.status, deed.body, [*deed.headers, REPLAYED])

    async def _do(self, slot: Slot, deed: _Deed, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard(message: Message) -> None:
            deed.hear(message)
            await send(message)

        self._deeds[slot] = deed
        try:
            await self._app(scope, receive, heard)
        finally:
            if deed.whole and not deed.done:
                del self._deeds[slot]
            deed.ended.set()
            self._keep_few(slot)

    def _forget_old(self) -> None:
        before = self._clock() - KEPT_SECONDS
        for slot, deed in list(self._deeds.items()):
            if deed.begun >= before:
                return
            if deed.ended.is_set():
                del self._deeds[slot]

    def _keep_few(self, latest: Slot) -> None:
        ended = [slot for slot, deed in self._deeds.items() if deed.ended.is_set()]
        mine = [slot for slot in ended if slot[:2] == latest[:2]]
        for slot in {*mine[: max(0, len(mine) - MOST_OF_A_PERSON)], *ended[: max(0, len(ended) - MOST)]}:
            del self._deeds[slot]
        held = sum(len(deed.body or b"") for deed in self._deeds.values())
        for deed in self._deeds.values():
            if held <= MOST_BYTES:
                break
            if deed.ended.is_set():
                # That it was done stays known.
                held -= len(deed.body or b"")
                deed.body = None
