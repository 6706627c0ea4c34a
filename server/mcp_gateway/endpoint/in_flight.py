"""Requests that are being answered in the sessions of the older protocol versions, whichever way they go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from starlette.types import Message, Send


class IdInUse(Exception):
    """A request with this id is still running in the session."""


class Request:
    """One that is being answered. `taken_back` is done when the client does not want the answer any more."""

    def __init__(self) -> None:
        self.taken_back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told = False
        """Whether its client has the whole answer."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def telling(self, send: Send) -> Send:
        """A `send` that notes when the answer is whole."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self.told = True
            await send(message)

        return noting


class InFlight:
    """By session and id. 7 and "7" are taken for one: the SDK can't tell them apart, and loses an answer."""

    def __init__(self) -> None:
        self._requests: dict[str, dict[str, Request]] = {}

    async def put_away(self, session: str, number: str | int) -> None:
        """Return once a request with this id whose client has its answer is put away, as the SDK does after that.

        There are clients that use one id again and again.
        """
        while (request := self._requests.get(session, {}).get(str(number))) is not None and request.told:
            await asyncio.wait([request.over])

    @contextlib.contextmanager
    def held(self, session: str, number: str | int) -> Iterator[Request]:
        """While inside, the id is in use. Raises IdInUse."""
        requests, key = self._requests.setdefault(session, {}), str(number)
        if key in requests:
            raise IdInUse(f"A request with the id {number!r} is still running.")
        request = requests[key] = Request()
        try:
            yield request
        finally:
            request.over.set_result(None)
            del requests[key]
            if not requests:
                self._requests.pop(session, None)

    def take_back(self, session: str, number: str | int) -> None:
        """The client does not want this answer any more."""
        _end(self._requests.get(session, {}).get(str(number)))

    def take_back_all(self, session: str) -> None:
        """The session has ended."""
        for request in list(self._requests.get(session, {}).values()):
            _end(request)


def _end(request: Request | None) -> None:
    if request is not None and not request.taken_back.done():
        request.taken_back.set_result(None)
