"""Whether anybody has come from another computer since the start: it tells a firewall from an open door."""

from __future__ import annotations

from datetime import UTC, datetime

from server.this_computer import is_loopback_host, lan_addresses


class Visitors:
    """Remembers the first request from elsewhere."""

    def __init__(self) -> None:
        self.first_at: datetime | None = None
        self._own: frozenset[str] | None = None

    def note(self, address: str) -> None:
        """A request has come from `address`."""
        if self.first_at is None and not is_loopback_host(address):
            if self._own is None:
                self._own = frozenset(lan_addresses())
            if address not in self._own:
                self.first_at = datetime.now(UTC)
