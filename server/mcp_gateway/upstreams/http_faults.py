"""What the SDK folds into errors of its own, counted where it happens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class HttpFaults:
    """What went wrong on the HTTP level since the connection was made; each count only grows."""

    transport: int = 0
    server: int = 0
    unauthorized: int = 0
    """Answers 401: the server wants a sign-in, or another one."""
