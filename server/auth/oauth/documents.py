"""Client ID metadata documents: the client id is an https address, and what lies there describes the client.

Reading an address that somebody else chose is how servers are made to call their own network. So only public addresses
are called, the very ones that were looked at, without redirects and not for long.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson

from server.config import SettingsHolder
from server.errors import FieldError, ValidationFailed
from server.outbound.places import is_public, places_of

MOST_BYTES = 16 * 1024
MOST_SECONDS = 5.0
FRESH_SECONDS = 300.0
MOST_KEPT = 100
MOST_CHARACTERS = 2000


class Documents:
    """Reads documents and keeps them for five minutes."""

    def __init__(
        self,
        settings: SettingsHolder,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()

    def has(self, address: str) -> bool:
        """Whether `address` would be answered from memory."""
        kept = self._kept.get(address)
        return kept is not None and self._clock() < kept[0]

    async def read(self, address: str) -> dict[str, Any]:
        """The document at `address`. Raises ValidationFailed when there is none that may be used."""
        if self.has(address):
            return self._kept[address][1]
        try:
            async with asyncio.timeout(MOST_SECONDS):
                document = _described(address, await self._fetched(address))
        except TimeoutError:
            raise _unusable(f"it did not come within {MOST_SECONDS:.0f} s") from None
        self._kept[address] = (self._clock() + FRESH_SECONDS, document)
        self._kept.move_to_end(address)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return document

    async def _fetched(self, address: str) -> bytes:
        import httpx2  # only who meets such a client needs it

        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 443
        place = await self._place(host, port)
        target = httpx2.URL(address).copy_with(host=place)
        headers = {"host": parts.netloc, "accept": "application/json", "accept-encoding": "identity"}
        client = httpx2.AsyncClient(
            verify=self._tls or ssl.create_default_context(), trust_env=False, follow_redirects=False,
            timeout=MOST_SECONDS,
        )  # fmt: skip
        try:
            async with (
                client,
                client.stream("GET", target, headers=headers, extensions={"sni_hostname": host}) as answer,
            ):
                if answer.status_code != 200:
                    raise _unusable(f"its address answers {answer.status_code}, not 200")
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json" and not kind.endswith("+json"):
                    raise _unusable("it is no JSON")
                body = b""
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) > MOST_BYTES:
                        raise _unusable(f"it is larger than {MOST_BYTES} bytes")
                return body
        except (httpx2.HTTPError, ssl.SSLError, OSError):
            raise _unusable("its address can't be reached") from None

    async def _place(self, host: str, port: int) -> str:
        """The address to call for `host`: looked up once, so that it is the one that was looked at."""
        try:
            places = await places_of(host, port)
        except (OSError, UnicodeError):
            raise _unusable("its host is not known") from None
        if not self._settings.current.oauth_private_documents and not all(is_public(place) for place in places):
            raise _unusable("it lies in a private network; an admin can allow that (oauth_private_documents)")
        return places[0]


def is_document_address(identifier: str) -> bool:
    """Whether a client id is the address of a document."""
    if not identifier.startswith("https://") or len(identifier) > MOST_CHARACTERS:
        return False
    try:
        parts = urlsplit(identifier)
        _ = parts.port
    except ValueError:
        return False
    plain = identifier.isascii() and identifier.isprintable() and not any(c in identifier for c in "#?\\@ ")
    steps = parts.path.split("/")
    return plain and bool(parts.hostname) and parts.path not in ("", "/") and not {".", ".."} & set(steps)


def _described(address: str, body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _unusable("it is no JSON") from None
    if not isinstance(document, dict) or document.get("client_id") != address:
        raise _unusable("its client_id is not its address")
    if document.get("token_endpoint_auth_method", "none") != "none" or "client_secret" in document:
        raise _unusable("only clients without a secret are possible (token_endpoint_auth_method: none)")
    return document


def _unusable(reason: str) -> ValidationFailed:
    message = f"the document of this app can't be used: {reason}"
    return ValidationFailed(
        message, code="client_document", fields={"client_id": FieldError("client_document", reason)}
    )
