"""Why another server gave no answer, in words for a person."""

from __future__ import annotations

import socket
import ssl

import httpx2


def why_no_answer(error: BaseException) -> str:
    """One sentence with its full stop about what `error`, raised by a call over http, means."""
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return "No answer in time."
    led_to = _causes(error)
    for one in led_to:
        if isinstance(one, ssl.SSLError):
            return f"No safe connection (https) could be made: {one}."
        if isinstance(one, socket.gaierror):
            return "Its host is not known."
    if isinstance(error, httpx2.ConnectError) and len(led_to) > 1:
        return "Nothing answers at its address."
    return f"{type(error).__name__}: {error}." if str(error) else f"{type(error).__name__}."


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
