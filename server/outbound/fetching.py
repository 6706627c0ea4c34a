"""One question to another server, for a plugin: how far it may lead, how long it lasts, how much is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx2

from server import __version__
from server.errors import Forbidden, TooLarge, UpstreamFailed, ValidationFailed
from server.outbound.fetched import Fetched
from server.outbound.pinned_transport import AddressRefused, HostUnknown, PublicTransport
from server.outbound.reasons import why_no_answer

CONNECT_SECONDS = 10.0
_NOT_REACHED = (HostUnknown, httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Fetcher:
    """Keeps its connections between questions; `close` ends them, and the next question opens new ones."""

    def __init__(self) -> None:
        self._clients: dict[bool, httpx2.AsyncClient] = {}

    async def close(self) -> None:
        """End every connection."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def fetch(
        self,
        url: str,
        *,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        most_bytes: int,
        seconds: float,
        private: bool,
    ) -> Fetched:
        """See PluginContext.fetch."""
        sent = {"user-agent": f"GridBear/{__version__}", **headers, "accept-encoding": "identity"}
        try:
            async with (
                asyncio.timeout(seconds),
                self._client(private).stream(method, url, headers=sent, content=body) as response,
            ):
                return Fetched(response.status_code, dict(response.headers), await _whole(response, most_bytes))
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise ValidationFailed.of("url", "invalid", f"{url[:200]!r} is no http or https address") from error
        except (UnicodeEncodeError, httpx2.LocalProtocolError):
            # Their words repeat headers, with what is secret in them.
            raise ValidationFailed.of(
                "headers", "cant_be_sent", "a header, or the method, has a character that can't be sent"
            ) from None
        except _NOT_REACHED as error:
            if isinstance(error, AddressRefused) and not isinstance(error, HostUnknown):
                raise Forbidden(str(error), code="address_refused") from error
            why = str(error) if isinstance(error, HostUnknown) else why_no_answer(error)
            raise UpstreamFailed(f"{_host(url)} can't be reached. {why}", code="not_reached") from error
        except (TimeoutError, httpx2.HTTPError, OSError) as error:
            late = isinstance(error, (TimeoutError, httpx2.TimeoutException))
            reason = "gave no whole answer in time" if late else f"broke off: {error or type(error).__name__}"
            raise UpstreamFailed(f"{_host(url)} {reason}", code="no_answer") from error

    def _client(self, private: bool) -> httpx2.AsyncClient:
        client = self._clients.get(private)
        if client is None:
            client = self._clients[private] = httpx2.AsyncClient(
                transport=PublicTransport(lambda: private, most_bytes=None),
                follow_redirects=False,
                trust_env=False,
                timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            )
        return client


async def _whole(response: httpx2.Response, most: int) -> bytes:
    body = bytearray()
    # As it comes: what would unpack to more than it may is never unpacked.
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            raise TooLarge(f"the answer of {response.url.host} is larger than {most} bytes")
    return bytes(body)


def _host(url: str) -> str:
    return httpx2.URL(url).host or url[:100]
