"""The gate of /api/v1: every request is somebody's, and somebody has only so many."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from fastapi import Request, Response
from starlette.types import Scope

from server.access.actor import Actor
from server.access.actor import Scope as AccessScope
from server.asgi.known_parameters import refuse_unknown
from server.asgi.replies import RATE_LIMIT
from server.auth.authenticate import Authenticator
from server.config import SettingsHolder
from server.errors import Forbidden, RateLimited
from server.limits.token_bucket import TokenBuckets


class RestGate:
    """Authentication and the rate limit. The limit counts per person, not per token or connection."""

    def __init__(
        self,
        authenticator: Authenticator,
        settings: SettingsHolder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticator = authenticator
        self._settings = settings
        self._clock = clock
        self._buckets = TokenBuckets()

    def enter(self, scope: Scope, *, records: bool = False, metrics: bool = False) -> tuple[Actor, tuple[bytes, bytes]]:
        """The caller, and the header that tells what is left. Raises Unauthorized, Forbidden (scope) or RateLimited.

        `records`: everything behind this door is decided by the rules of its model, so that tokens for single models
        may enter too. `metrics`: so may tokens for the numbers of the server.
        """
        actor = self._authenticator.actor_for(scope)
        if actor.must_enrol:
            raise Forbidden(
                "Your role needs a second factor: set one up first (/auth/second-factor).",
                code="second_factor_required",
            )
        wanted: AccessScope = "metrics" if metrics else "api:read"
        if not (actor.reaches_records if records else actor.has_scope(wanted)):
            have = "metrics, api or api:read" if metrics else "api or api:read"
            raise Forbidden(f"This credential is not for this: it has no scope {have}.", code="scope_missing")
        settings = self._settings.current
        rate, burst = settings.rest_rate_per_second, settings.rest_rate_burst
        decision = self._buckets.take(actor.user_id or actor.kind, rate=rate, burst=burst, now=self._clock())
        until_full = math.ceil((burst - decision.remaining) / rate)
        limit = (b"ratelimit", b'"rest";r=%d;t=%d' % (decision.remaining, until_full))
        # For an error that is answered by somebody who knows the request alone.
        scope.setdefault("state", {})[RATE_LIMIT] = limit
        if not decision.allowed:
            raise RateLimited(
                f"Over the limit of {rate:g} requests per second (rest_rate_per_second, burst {burst}).",
                retry_after=decision.retry_after,
            )
        return actor, limit

    def enter_route(
        self, request: Request, response: Response, *, records: bool = False, metrics: bool = False
    ) -> Actor:
        """`enter` for a FastAPI route. Raises besides ValidationFailed for a parameter that the route does not know."""
        actor, (name, value) = self.enter(request.scope, records=records, metrics=metrics)
        response.headers[name.decode()] = value.decode()
        refuse_unknown(request)
        return actor
