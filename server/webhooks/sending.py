"""One attempt: a signed POST, and what came back. Redirects are not followed, answers are read in part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx2

from server import __version__
from server.asgi.signatures import sign_standard
from server.outbound.pinned_transport import AddressRefused, HostUnknown, PublicTransport
from server.outbound.reasons import why_no_answer
from server.webhooks.answer import Answer

ATTEMPT_SECONDS = 20.0
EXCERPT_BYTES = 2000


class Sender:
    """Sends; `private_allowed` says whether the address may lie at home."""

    def __init__(self, private_allowed: Callable[[], bool], inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._http = httpx2.AsyncClient(
            transport=PublicTransport(private_allowed, inner), follow_redirects=False, trust_env=False, timeout=10.0
        )

    async def close(self) -> None:
        """End every connection."""
        await self._http.aclose()

    async def send(self, url: str, secret: str, message_id: str, body: bytes) -> Answer:
        """POST `body` to `url`, signed as of now. Raises nothing that the receiver can cause."""
        now = int(time.time())
        headers = {
            "content-type": "application/json",
            "user-agent": f"GridBear/{__version__}",
            "accept-encoding": "identity",
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_standard(secret, message_id, now, body),
        }
        began = time.monotonic()
        status, text, retry_after = None, "", None
        try:
            async with (
                asyncio.timeout(ATTEMPT_SECONDS),
                self._http.stream("POST", url, content=body, headers=headers) as response,
            ):
                status, retry_after = response.status_code, _seconds(response.headers.get("retry-after"))
                text = await _excerpt(response)
        except AddressRefused as refused:
            return Answer(None, "", str(refused), _since(began), for_good=not isinstance(refused, HostUnknown))
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            # Where the head of the answer is there, it counts; its body is for people alone.
            if status is None:
                return Answer(None, "", why_no_answer(error), _since(began))
        return Answer(status, text, _fault(status), _since(began), retry_after, status == 410)


def _fault(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed; put the right address into the webhook."
    if status == 410:
        return "It answered 410: the receiver wants no more of these."
    return f"It answered {status}; 2xx is wanted."


async def _excerpt(response: httpx2.Response) -> str:
    found = b""
    async for chunk in response.aiter_raw():
        found += chunk
        if len(found) >= EXCERPT_BYTES:
            break
    return found[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _seconds(text: str | None) -> float | None:
    return min(float(text), 86400.0) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
