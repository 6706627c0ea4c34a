"""The tokens of one sign-in, sent with every request and renewed when they have run out."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from urllib.parse import quote

import httpx2

from server.mcp_gateway.sign_in.guarded_transport import GuardedTransport

REQUEST_SECONDS = 15.0
_EARLY_SECONDS = 30.0
"""Renewed this long before the end, so that no request arrives with a token that has just run out."""
_MOST_SECONDS = 100 * 365 * 86_400.0
"""Some say that a token never ends by a number that no calendar has."""


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """What a sign-in gave, and what is needed to renew it. Times are Unix seconds."""

    access_token: str
    refresh_token: str | None
    expires_at: float | None
    token_endpoint: str
    revocation_endpoint: str | None
    resource: str | None
    client_id: str
    client_secret: str | None
    auth_method: str | None

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Tokens:
        return cls(**json.loads(text))

    def has_run_out(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at - _EARLY_SECONDS


class TokenAuth(httpx2.Auth):
    """Gives each request its token. `save` stores renewed ones; `home` is as for `GuardedTransport`."""

    def __init__(
        self,
        home: str | None,
        tokens: Tokens,
        save: Callable[[Tokens], Awaitable[None]],
        *,
        hold: Callable[[asyncio.Task[bool]], None] = lambda _task: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`hold` is given each renewal, which goes on when nobody waits for it any more."""
        self._home = home
        self._tokens = tokens
        self._save = save
        self._clock = clock
        self._hold = hold
        self._renewing: asyncio.Task[bool] | None = None

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        used = self._tokens
        if used.has_run_out(self._clock()):
            await self._renew(used)
            used = self._tokens
        request.headers["authorization"] = f"Bearer {used.access_token}"
        response = yield request
        if response.status_code == 401 and await self._renew(used):
            request.headers["authorization"] = f"Bearer {self._tokens.access_token}"
            yield request

    async def _renew(self, used: Tokens) -> bool:
        """Whether there are newer tokens than `used` now. Raises httpx2.HTTPError when nobody answers."""
        if self._tokens is not used:
            return True
        if used.refresh_token is None:
            return False
        if self._renewing is None or self._renewing.done():
            # A task of its own: the server may take a refresh token once only, and what it gives in its place must
            # not be lost with the call that happened to ask for it.
            self._renewing = asyncio.create_task(self._renewed(used, used.refresh_token), name="renewal of a sign-in")
            self._renewing.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._hold(self._renewing)
        return await asyncio.shield(self._renewing)

    async def _renewed(self, used: Tokens, refresh_token: str) -> bool:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if used.resource is not None:
            form["resource"] = used.resource
        answer = await asked(self._home, used.token_endpoint, used, form)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise httpx2.ConnectError(f"The server that renews tokens answers {answer.status_code}.")
        if answer.status_code != 200:
            return False
        try:
            told = answer.json()
            renewed = replace(
                used,
                access_token=str(told["access_token"]),
                refresh_token=told.get("refresh_token") or refresh_token,
                expires_at=ends(self._clock(), told.get("expires_in")),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        self._tokens = renewed
        await self._save(renewed)
        return True


async def asked(home: str | None, endpoint: str, tokens: Tokens, form: dict[str, str]) -> httpx2.Response:
    """The answer of an endpoint of the authorization server to a form, with our client's credentials."""
    headers = {"accept": "application/json"}
    form = {**form, "client_id": tokens.client_id}
    if tokens.client_secret is not None and tokens.auth_method == "client_secret_basic":
        pair = f"{quote(tokens.client_id, safe='')}:{quote(tokens.client_secret, safe='')}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif tokens.client_secret is not None:
        form["client_secret"] = tokens.client_secret
    async with httpx2.AsyncClient(
        transport=GuardedTransport(home), timeout=REQUEST_SECONDS, follow_redirects=False, trust_env=False
    ) as http:
        return await http.post(endpoint, data=form, headers=headers)


def ends(now: float, seconds: object) -> float | None:
    """When something ends that lasts `seconds`, None when that is not said; at most a hundred years from now."""
    try:
        lasts = float(str(seconds))
    except ValueError:
        return None
    return None if math.isnan(lasts) else now + min(max(lasts, 0.0), _MOST_SECONDS)
