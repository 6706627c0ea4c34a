"""What a browser fetches by itself when a page is opened, byte by byte as it comes over the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page


@dataclass(frozen=True, slots=True)
class Fetched:
    """One request: its path with query, and the bytes of its answer, headers included, as they were sent."""

    path: str
    size: int


class Wire:
    """Listens to a page from now on. A stream of events never ends and is not among `fetched`."""

    def __init__(self, page: Page) -> None:
        self._paths: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.on("Network.requestWillBeSent", self._asked)
        self.cdp.on("Network.loadingFinished", self._came)
        self.cdp.send("Network.enable")

    def _asked(self, event: dict[str, Any]) -> None:
        parts = urlsplit(event["request"]["url"])
        if parts.scheme in ("http", "https"):
            self._paths[event["requestId"]] = parts.path + (f"?{parts.query}" if parts.query else "")

    def _came(self, event: dict[str, Any]) -> None:
        self._sizes[event["requestId"]] = int(event["encodedDataLength"])

    @property
    def fetched(self) -> list[Fetched]:
        """The largest first."""
        found = [Fetched(path, self._sizes[key]) for key, path in self._paths.items() if key in self._sizes]
        return sorted(found, key=lambda one: -one.size)

    @property
    def total(self) -> int:
        """Bytes of all."""
        return sum(one.size for one in self.fetched)

    def told(self) -> str:
        """One line per answer, for who has to find out what has grown."""
        return "\n".join(f"{one.size:>8,}  {one.path}" for one in self.fetched)
