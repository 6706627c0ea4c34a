"""Whether the public address leads to this server: it calls itself by it and looks whether it arrives."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from server.access.demands import demand_admin
from server.asgi.public_door import REACH, Reach
from server.config import SettingsHolder
from server.errors import Conflict
from server.plugin_host.mount import Enter

if TYPE_CHECKING:
    import httpx2

_SECONDS = 10.0


def public_router(
    reach: Reach, settings: SettingsHolder, enter: Enter, transport: httpx2.AsyncBaseTransport | None = None
) -> APIRouter:
    """The router. `enter` authenticates and counts the request."""
    router = APIRouter(prefix="/api/v1/plugins", tags=["plugins"])

    @router.post("/public-address/test", summary="Call this server by its public address (admins)")
    async def test(request: Request, response: Response) -> dict[str, Any]:
        actor = enter(request, response)
        demand_admin(actor, "Only admins try the public address.")
        current = settings.current
        if not current.public_url or not current.public_port:
            raise Conflict(
                "There is no public address: set GRIDBEAR_PUBLIC_PORT and public_url (GRIDBEAR_PUBLIC_URL) first.",
                code="not_public",
            )
        problem = await _problem(reach, current.public_url, transport)
        return {"ok": True, "data": {"url": current.public_url, "reached": problem is None, "problem": problem}}

    return router


async def _problem(reach: Reach, url: str, transport: httpx2.AsyncBaseTransport | None) -> str | None:
    import httpx2  # only who asks for this needs it

    from server.outbound.reasons import why_no_answer

    word = secrets.token_urlsafe(24)
    reach.expect(word)
    try:
        async with httpx2.AsyncClient(transport=transport, trust_env=False, timeout=_SECONDS) as http:
            answer = await http.get(f"{url}{REACH}{word}")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        return f"{url} could not be called. {why_no_answer(error)}"
    finally:
        reach.forget(word)
    if answer.status_code == 200 and answer.text == word:
        return None
    return f"{url} answers {answer.status_code}, but not from the public port of this server: look at the tunnel."
