"""The guard of the public port: nothing is there but plugins with `public_api`, and nobody is signed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from server.asgi.guard import Guard
from server.asgi.public_door import PUBLIC_DOOR, REACH, Reach
from server.asgi.replies import send_body
from server.asgi.traffic import Traffic
from server.asgi.visitors import Visitors
from server.config import SettingsHolder
from server.errors import NotFound, RateLimited
from server.limits.token_bucket import TokenBuckets

_BURST_SECONDS = 10.0


class PublicGuard(Guard):
    """As the guard of the main port, but for Host: who comes by a tunnel asks for a name that is not ours to know."""

    def __init__(
        self,
        plugins: ASGIApp,
        is_public: Callable[[str], bool],
        reach: Reach,
        settings: SettingsHolder,
        needs_setup: Callable[[], bool],
        visitors: Visitors,
        traffic: Traffic,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plugins = plugins
        self._is_public = is_public
        self._reach = reach
        self._clock = clock
        self._buckets = TokenBuckets()
        super().__init__(self._serve, settings, needs_setup, visitors, traffic)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(REACH):
            word = scope["path"].removeprefix(REACH)
            await send_body(send, 200, word.encode(), [(b"content-type", b"text/plain")])
            return
        await self._plugins(scope, receive, send)

    def _strip_base_path(self, scope: Scope) -> None:
        # A tunnel may hand on the path of the public address or leave it out.
        for base in (urlsplit(self._settings.current.public_url).path.rstrip("/"), self._settings.current.base_path):
            if base and scope["path"].startswith(f"{base}/"):
                scope["path"] = scope["path"][len(base) :]
                scope["raw_path"] = scope["path"].encode()
                break
        scope["root_path"] = ""

    def _check(self, scope: Scope) -> None:
        rate = self._settings.current.public_rate_per_second
        client = scope.get("client")
        decision = self._buckets.take(
            None if client is None else client[0], rate=rate, burst=max(1.0, rate * _BURST_SECONDS), now=self._clock()
        )
        if not decision.allowed:
            raise RateLimited(
                f"Over the limit of {rate:g} requests per second (public_rate_per_second).",
                retry_after=decision.retry_after,
            )
        scope["state"][PUBLIC_DOOR] = True
        path = scope["path"]
        if path.startswith(REACH) and self._reach.knows(path.removeprefix(REACH)):
            return
        plugin = path.removeprefix("/api/").partition("/")[0] if path.startswith("/api/") else ""
        if not self._is_public(plugin):
            # The same for what is not public and what is not there.
            raise NotFound("There is nothing here.")
