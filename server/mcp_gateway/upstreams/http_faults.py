"""What the SDK folds into errors of its own, noted where it happens, for the request that it happened to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

UNAUTHORIZED = 401


@dataclass(slots=True)
class HttpFaults:
    """What went wrong on the HTTP level: with one request, or with those that open a connection, which are in turn."""

    transport: bool = False
    server: bool = False
    status: int = 0
    """Of the last answer."""

    @property
    def unauthorized(self) -> bool:
        """The server wants a sign-in, or another one."""
        return self.status == UNAUTHORIZED


_of_request: ContextVar[HttpFaults | None] = ContextVar("faults_of_request", default=None)


@contextlib.contextmanager
def noted() -> Iterator[HttpFaults]:
    """What goes wrong with the one request that is made inside."""
    faults = HttpFaults()
    token = _of_request.set(faults)
    try:
        yield faults
    finally:
        _of_request.reset(token)


def faults_of_this(opening: HttpFaults) -> HttpFaults:
    """Where to note what happens to the request at hand: the SDK sends it in the context of whoever made it.

    `opening`: where that of a request goes which nobody made, when the connection is opened.
    """
    return _of_request.get() or opening
