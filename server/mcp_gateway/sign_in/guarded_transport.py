"""HTTP to addresses that a remote server names: only where they may lead, and the very place that was looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from server.auth.places import is_in_a_network_of_people, is_public, places_of

MOST_BYTES = 1 << 20


class AddressRefused(httpx2.ConnectError):
    """The address leads where nobody may be sent; the message says why."""


class _Capped(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MOST_BYTES:
                raise httpx2.ReadError(f"The answer is larger than {MOST_BYTES} bytes.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class GuardedTransport(httpx2.AsyncBaseTransport):
    """For the sign-in to the server at `home`, which an admin chose.

    Everything else must be https on the public Internet, unless `home` itself lies on this computer or in a private
    network. Link-local addresses, where clouds keep their credentials, are never called.
    """

    def __init__(self, home: str, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._home = httpx2.URL(home)
        self._inner = inner or httpx2.AsyncHTTPTransport()
        self._home_is_public: bool | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        if url.scheme not in ("http", "https"):
            raise AddressRefused(f"{url.scheme} is no http or https.", request=request)
        places = await self._places(url, request)
        if (url.scheme, url.host, url.port) != (self._home.scheme, self._home.host, self._home.port):
            await self._check(url, places, request)
        pinned = httpx2.Request(
            request.method,
            url.copy_with(host=places[0]),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        response = await self._inner.handle_async_request(pinned)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Capped(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _check(self, url: httpx2.URL, places: list[str], request: httpx2.Request) -> None:
        if all(is_public(place) for place in places):
            if url.scheme != "https":
                raise AddressRefused(f"{url.host} is named with http; only https is possible there.", request=request)
            return
        if self._home_is_public is None:
            self._home_is_public = all(is_public(place) for place in await self._places(self._home, request))
        if self._home_is_public or not all(is_public(place) or is_in_a_network_of_people(place) for place in places):
            raise AddressRefused(f"{url.host} lies in a private network.", request=request)

    async def _places(self, url: httpx2.URL, request: httpx2.Request) -> list[str]:
        try:
            return await places_of(url.host, url.port or (443 if url.scheme == "https" else 80))
        except (OSError, UnicodeError):
            raise AddressRefused(f"The host {url.host} is not known.", request=request) from None
