"""Requests on their way to one server, and whose they are: what the server says meanwhile belongs to one of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from server.mcp_gateway.caller import Caller


class Flight:
    """One request on its way, within its time."""

    def __init__(self, caller: Caller, limit: asyncio.Timeout, seconds: float) -> None:
        self.caller = caller
        self.refused: str | None = None
        """Why a question that the server asked meanwhile was not passed on."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limit = limit
        self._seconds = seconds
        self._asking = 0

    def sign_of_life(self) -> None:
        """The server lives: its time starts again. It does not run while a person is being asked."""
        if self._limit.expired() or self.over.done():
            return
        when = None if self._asking else asyncio.get_running_loop().time() + self._seconds
        self._limit.reschedule(when)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While a question of the server is with the client."""
        self._asking += 1
        self.sign_of_life()
        try:
            yield
        finally:
            self._asking -= 1
            self.sign_of_life()


this_flight: ContextVar[Flight | None] = ContextVar("this_flight", default=None)
"""That of the task which reads a server's answer, where a transport answers each request on a stream of its own."""


class InFlight:
    """All requests on their way to one server."""

    def __init__(self) -> None:
        self._flights: dict[Flight, None] = {}
        self.asks = False
        """Whether the server has asked something without saying for which request."""
        self._ended = asyncio.Event()

    async def turn(self, caller: Caller, seconds: float) -> None:
        """Wait until a question of the server could only be meant for `caller`, if it is one that asks.

        After `seconds` the request goes on its way all the same; a question that comes then is passed on to nobody.
        """
        if not self.asks:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(_meet(caller, flight.caller) for flight in self._flights):
                    self._ended.clear()
                    await self._ended.wait()

    @contextlib.contextmanager
    def one(self, caller: Caller, limit: asyncio.Timeout, seconds: float) -> Iterator[Flight]:
        """A request is on its way inside."""
        flight = Flight(caller, limit, seconds)
        self._flights[flight] = None
        token = this_flight.set(flight)
        try:
            yield flight
        finally:
            this_flight.reset(token)
            del self._flights[flight]
            if not flight.over.done():
                flight.over.set_result(None)
            self._ended.set()

    def whose(self, known: Flight | None) -> list[Flight]:
        """The request that something belongs to, if that is known; else the newest of each client that waits."""
        if known is not None:
            return [known] if known in self._flights else []
        newest = {(one.caller.actor.user_id, one.caller.session or id(one)): one for one in self._flights}
        return list(newest.values())


def _meet(one: Caller, other: Caller) -> bool:
    """Whether a question that comes while both are on their way could be meant for either client."""
    same = one.session is not None and (one.actor.user_id, one.session) == (other.actor.user_id, other.session)
    return not same and (_can_be_asked(one) or _can_be_asked(other))


def _can_be_asked(caller: Caller) -> bool:
    return caller.ask is not None and not caller.modern
