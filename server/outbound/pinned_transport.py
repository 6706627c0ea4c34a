"""HTTP to addresses that somebody else chose: only where they may lead, and the very place that was looked at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable

import httpx2

from server.outbound.places import is_in_a_network_of_people, is_public, places_of
from server.outbound.transport_per_host import TransportPerHost

MOST_BYTES = 1 << 20
MOST_PLACES = 3
"""So many places of one host are tried."""


class AddressRefused(httpx2.ConnectError):
    """The address leads where nobody may be sent; the message says why."""


class HostUnknown(AddressRefused):
    """Nobody knows the host just now."""


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > self._most:
                raise httpx2.ReadError(f"The answer is larger than {self._most} bytes.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Looks a host up once, asks `check` about all its places, and calls one of these under the host's name.

    Where nothing answers at one, the next is called: a host may be known by two protocols and listen to one.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport | None = None, *, most_bytes: int | None = MOST_BYTES) -> None:
        """`most_bytes` of an answer are read; None: it may go on for ever."""
        # Made with the first request: loading what the system trusts takes time and memory, which a server that calls
        # nobody does without.
        self._inner = inner
        self._most_bytes = most_bytes

    @abstractmethod
    async def check(self, url: httpx2.URL, places: list[str], request: httpx2.Request) -> None:
        """Raise AddressRefused when `url`, whose host lies at `places`, may not be called."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if url.scheme not in ("http", "https"):
            raise AddressRefused(f"{url.scheme} is no http or https.", request=request)
        places = await self.places(url, request)
        await self.check(url, places, request)
        *others, last = list(dict.fromkeys(places))[:MOST_PLACES]
        for place in others:
            try:
                return await self._call(place, request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._call(last, request)

    async def _call(self, place: str, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        pinned = httpx2.Request(
            request.method,
            url.copy_with(host=place),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        if self._inner is None:
            self._inner = TransportPerHost()
        response = await self._inner.handle_async_request(pinned)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        if self._most_bytes is not None:
            response.stream = _Capped(response.stream, self._most_bytes)
        return response

    async def aclose(self) -> None:
        if self._inner is not None:
            await self._inner.aclose()

    async def places(self, url: httpx2.URL, request: httpx2.Request) -> list[str]:
        """The IP addresses of the host of `url`. Raises HostUnknown when there are none."""
        try:
            return await places_of(url.host, url.port or (443 if url.scheme == "https" else 80))
        except (OSError, UnicodeError):
            raise HostUnknown(f"The host {url.host} is not known.", request=request) from None


def require_https(url: httpx2.URL, request: httpx2.Request) -> None:
    """Raise AddressRefused for plain http, which anybody on the way to a public host can read."""
    if url.scheme != "https":
        raise AddressRefused(f"{url.host} is named with http; only https is possible there.", request=request)


class PublicTransport(PinnedTransport):
    """Calls https on the public Internet; private networks and this computer as well while `private_allowed` says so.

    Link-local addresses, where clouds keep their credentials, are never called.
    """

    def __init__(
        self,
        private_allowed: Callable[[], bool],
        inner: httpx2.AsyncBaseTransport | None = None,
        *,
        most_bytes: int | None = MOST_BYTES,
    ) -> None:
        super().__init__(inner, most_bytes=most_bytes)
        self._private_allowed = private_allowed

    async def check(self, url: httpx2.URL, places: list[str], request: httpx2.Request) -> None:
        if all(is_public(place) for place in places):
            require_https(url, request)
            return
        known = all(is_public(place) or is_in_a_network_of_people(place) for place in places)
        if not known or not self._private_allowed():
            raise AddressRefused(f"{url.host} lies in a private network or on this computer.", request=request)
