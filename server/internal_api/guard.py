"""Who gets in to /api/internal: programs of this computer with its secret."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from server.auth.authenticate import from_loopback
from server.errors import Forbidden, Unauthorized

_bearer = HTTPBearer(auto_error=False, scheme_name="internal", description="INTERNAL_API_SECRET")


def internal_guard(secret: Callable[[], str], from_elsewhere: Callable[[], bool]) -> Callable[..., None]:
    """The dependency of every route there. `from_elsewhere`: whether other computers may ask as well."""

    def guard(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        wanted = secret()
        token = given.credentials if given else ""
        if not wanted or not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), wanted.encode()):
            raise Unauthorized("the internal API wants Authorization: Bearer INTERNAL_API_SECRET")
        if not from_elsewhere() and not from_loopback(request.scope):
            raise Forbidden(
                "The internal API answers programs of this computer alone; the setting internal_api_from_elsewhere "
                "lets others ask.",
                code="not_from_here",
            )

    return guard
