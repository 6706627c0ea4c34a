"""Requests that are being answered in the sessions of the older protocol versions, whichever way they go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator


class IdInUse(Exception):
    """A request with this id is still running in the session."""


class InFlight:
    """By session and id. 7 and "7" are taken for one: the SDK can't tell them apart, and loses an answer."""

    def __init__(self) -> None:
        self._requests: dict[str, dict[str, asyncio.Future[None]]] = {}

    @contextlib.contextmanager
    def held(self, session: str, number: str | int) -> Iterator[asyncio.Future[None]]:
        """While inside, the id is in use; the future is done when the client takes the request back. Raises IdInUse."""
        requests, key = self._requests.setdefault(session, {}), str(number)
        if key in requests:
            raise IdInUse(f"A request with the id {number!r} is still running.")
        taken_back = requests[key] = asyncio.get_running_loop().create_future()
        try:
            yield taken_back
        finally:
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


def _end(request: asyncio.Future[None] | None) -> None:
    if request is not None and not request.done():
        request.set_result(None)
