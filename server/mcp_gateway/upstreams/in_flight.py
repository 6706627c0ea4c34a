"""Requests on their way to one server, and whose they are: what the server says meanwhile belongs to one of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType

from server.mcp_gateway.caller import Caller


class Flight:
    """One request on its way, within its time: leaving it too late raises TimeoutError.

    As `asyncio.timeout`, and told what else one has to know of a request; there is one for each call.
    """

    def __init__(self, flights: dict[Flight, None], ended: asyncio.Event, caller: Caller, seconds: float) -> None:
        """`ended` is set when it is over."""
        self.caller = caller
        self.refused: str | None = None
        """Why a question that the server asked meanwhile was not passed on."""
        self._loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self._loop.create_future()
        self._flights, self._ended = flights, ended
        self._seconds = seconds
        self._asking = 0
        self._expired = False
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Flight:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._flights[self] = None
        self._token = this_flight.set(self)
        self.sign_of_life()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        this_flight.reset(self._token)
        del self._flights[self]
        if not self.over.done():
            self.over.set_result(None)
        self._ended.set()
        self._stop_timer()
        # Somebody else may have cancelled the task in the same moment: then it is cancelled.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    @property
    def ends_at(self) -> float | None:
        """When its time is up, by the loop's clock; None while it stands still."""
        return None if self._timer is None else self._timer.when()

    def sign_of_life(self) -> None:
        """The server lives: its time starts again. It does not run while a person is being asked."""
        if self._expired or self.over.done():
            return
        self._stop_timer()
        if not self._asking:
            self._timer = self._loop.call_later(self._seconds, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._expired = True
        self._timer = None
        self._task.cancel()

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

    def __init__(self, *, asks: bool = False) -> None:
        self._flights: dict[Flight, None] = {}
        self.asks = asks
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

    def one(self, caller: Caller, seconds: float) -> Flight:
        """A request is on its way inside, for so long: see `Flight`."""
        return Flight(self._flights, self._ended, caller, seconds)

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
