"""Read a request's body whole, up to a limit of its own and one of all bodies together, and hand it on."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import BadRequest, Busy, TooLarge

ROOM = "body_room"
"""Key in a request's state: the room that its body takes, None where nobody counts."""
STILL_IN = "still_in"
"""Key in a request's state: raises what it means when who sent it may not enter any more, or not as before."""


class BodyRoom:
    """Bytes of bodies that are in memory at one time, each until its request is answered.

    Requests wait for the writer with their bodies; without a bound a stuck disk would fill the memory.
    """

    def __init__(self) -> None:
        self.held = 0

    def share(self, limit: int) -> BodyShare:
        """The part of one request, while all together have at most `limit` bytes."""
        return BodyShare(self, limit)


class BodyShare:
    """What one request holds."""

    __slots__ = ("_held", "_limit", "_room")

    def __init__(self, room: BodyRoom, limit: int) -> None:
        self._room = room
        self._limit = limit
        self._held = 0

    def take(self, count: int) -> None:
        """Hold `count` bytes more. Raises Busy when that is too much for all; a request that is alone always may."""
        others = self._room.held - self._held
        if others and self._room.held + count > self._limit:
            raise Busy(
                f"The bodies of waiting requests take {self._limit} bytes already (bodies_held_bytes).",
                code="bodies_full",
                retry_after=1.0,
            )
        self._room.held += count
        self._held += count

    def give_back(self) -> None:
        """The request is answered."""
        self._room.held -= self._held
        self._held = 0


async def read_body(receive: Receive, scope: Scope, limit: int) -> bytes:
    """The raw body, at most `limit` bytes.

    Raises TooLarge from Content-Length before anything is read, and while reading; Busy when too many bodies wait;
    ClientDisconnect when the caller goes away; Unauthorized and Forbidden when the caller has lost the right to enter
    while it came.
    """
    share: BodyShare | None = scope.get("state", {}).get(ROOM)
    _check_length(scope, limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if share is not None:
            share.take(len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            require_same_sender(scope)
            return b"".join(chunks)


def require_same_sender(scope: Scope) -> None:
    """Ask again who is there, now that a body has come: it may take as long as its sender likes.

    Raises Unauthorized when they may not enter any more, Forbidden when not as before.
    """
    check: Callable[[], None] | None = scope.get("state", {}).get(STILL_IN)
    if check is not None:
        check()


class BodyLimit:
    """In front of routes whose framework reads a body whole, before they know who sends it.

    `own_limit` names the addresses that measure what they read themselves.
    """

    def __init__(self, app: ASGIApp, *, limit: Callable[[], int], own_limit: Callable[[str], bool]) -> None:
        self._app = app
        self._limit = limit
        self._own_limit = own_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._own_limit(scope["path"]):
            await self._app(scope, receive, send)
            return
        limit, size = self._limit(), 0

        async def measured() -> Message:
            nonlocal size
            if not size:
                _check_length(scope, limit)
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, measured, send)


def _check_length(scope: Scope, limit: int) -> None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit():
                raise BadRequest("Content-Length is not a number")
            if int(value) > limit:
                raise _too_large(limit)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than the limit of {limit} bytes")


def replayed(body: bytes, receive: Receive) -> Receive:
    """A channel that gives a body which was read already, and then goes on with `receive`."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
