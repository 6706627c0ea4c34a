"""HTTP to addresses that a remote server names during a sign-in."""

from __future__ import annotations

import httpx2

from server.outbound.pinned_transport import AddressRefused, PinnedTransport, require_https
from server.outbound.places import is_in_a_network_of_people, is_public


class GuardedTransport(PinnedTransport):
    """For the sign-in to the server at `home`, which an admin chose, or (None) to one that nobody vouches for.

    Everything else must be https on the public Internet, unless `home` itself lies on this computer or in a private
    network. Link-local addresses, where clouds keep their credentials, are never called.
    """

    def __init__(self, home: str | None, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        super().__init__(inner)
        self._home = None if home is None else httpx2.URL(home)
        self._home_is_public: bool | None = True if home is None else None

    async def check(self, url: httpx2.URL, places: list[str], request: httpx2.Request) -> None:
        home = self._home
        if home is not None and (url.scheme, url.host, url.port) == (home.scheme, home.host, home.port):
            return
        if all(is_public(place) for place in places):
            require_https(url, request)
            return
        if home is not None and self._home_is_public is None:
            self._home_is_public = all(is_public(place) for place in await self.places(home, request))
        if self._home_is_public or not all(is_public(place) or is_in_a_network_of_people(place) for place in places):
            raise AddressRefused(f"{url.host} lies in a private network.", request=request)
