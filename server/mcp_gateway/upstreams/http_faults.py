"""What the SDK folds into errors of its own, counted where it happens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class HttpFaults:
    """What went wrong on the HTTP level since the connection was made. The counts only grow."""

    transport: int = 0
    server: int = 0
    status: int = 0
    """Of the last answer."""

    @property
    def unauthorized(self) -> bool:
        """The server wants a sign-in, or another one."""
        return self.status == 401
