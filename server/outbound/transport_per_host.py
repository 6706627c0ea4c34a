"""HTTP to pinned addresses, with connections that each host has for itself.

A pool knows its connections by address. With many hosts at one address it would send what is for one of them over a
connection on which another one has shown its certificate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

MOST_HOSTS = 32
"""Of so many hosts are connections kept, apart from those that are in use."""


class _Door:
    """The connections of one host, and how many answers are being read from them."""

    def __init__(self, transport: httpx2.AsyncHTTPTransport) -> None:
        self.transport = transport
        self.busy = 0


class _Answer(httpx2.AsyncByteStream):
    """An answer that keeps its door busy until it is closed."""

    def __init__(self, stream: httpx2.AsyncByteStream, door: _Door) -> None:
        self._stream = stream
        self._door: _Door | None = door

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        door, self._door = self._door, None
        if door is not None:
            door.busy -= 1
        await self._stream.aclose()


class TransportPerHost(httpx2.AsyncBaseTransport):
    """The host of a request is its extension `sni_hostname`; the address is the host of its URL."""

    def __init__(self) -> None:
        self._doors: dict[str, _Door] = {}
        """With the one that was used last at the end."""
        self._tls = httpx2.create_ssl_context()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = str(request.extensions["sni_hostname"])
        door = self._doors.pop(host, None) or _Door(httpx2.AsyncHTTPTransport(verify=self._tls))
        self._doors[host] = door
        door.busy += 1
        try:
            await self._end_old_ones()
            response = await door.transport.handle_async_request(request)
        except BaseException:
            door.busy -= 1
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Answer(response.stream, door)
        return response

    async def aclose(self) -> None:
        doors, self._doors = self._doors, {}
        for door in doors.values():
            await door.transport.aclose()

    async def _end_old_ones(self) -> None:
        idle = [host for host, door in self._doors.items() if not door.busy]
        for host in idle[: max(len(self._doors) - MOST_HOSTS, 0)]:
            # Another task may have ended or taken it meanwhile.
            door = self._doors.get(host)
            if door is not None and not door.busy:
                del self._doors[host]
                await door.transport.aclose()
