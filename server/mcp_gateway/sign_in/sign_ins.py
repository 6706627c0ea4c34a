"""Sign-ins to remote MCP servers: begun by a person, finished by their browser, kept sealed in records."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from server.access.actor import SYSTEM, Actor
from server.errors import Conflict, Forbidden, GridBearError, NotFound, UpstreamFailed, ValidationFailed
from server.mcp_gateway.policy.own_servers import is_listed_host
from server.mcp_gateway.upstreams.config import ServerConfig
from server.records.service import Records
from server.records.times import to_text

if TYPE_CHECKING:
    from server.mcp_gateway.sign_in.flow import Flow
    from server.mcp_gateway.sign_in.tokens import TokenAuth, Tokens

_log = logging.getLogger(__name__)

MODEL = "mcp_sign_ins"
CALLBACK = "/oauth/callback"
BEGIN_SECONDS = 30.0
FINISH_SECONDS = 30.0
SETTLE_SECONDS = 1.0
OPEN_SECONDS = 600.0
"""A person has this long to say yes."""
MOST_OPEN = 100


@dataclass(frozen=True, slots=True)
class _Open:
    """A sign-in that waits for a person; `person` is None when it is for everybody."""

    flow: Flow
    server_id: int
    server: str
    owner_id: int | None
    person: int | None
    ends: float


class SignIns:
    """Begins and ends sign-ins, and gives connections their tokens."""

    def __init__(self, records: Records, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._keeping = asyncio.Lock()
        self._renewals: dict[asyncio.Task[bool], int] = {}
        """Those under way, each with its sign-in."""
        self._servers: dict[int, int] = {}
        """Which server a sign-in that was used is for: asked when it is gone."""

    async def begin(self, actor: Actor, config: ServerConfig, redirect: str) -> dict[str, str]:
        """The address at which the person says yes, and its host. Raises Forbidden, Conflict and UpstreamFailed."""
        person = self._person(actor, config)
        if config.transport == "stdio":
            raise Conflict(f"{config.name} is a program on this computer: there is nothing to sign in to.")
        row = await self._records.reveal(SYSTEM, "mcp_servers", config.id)
        from server.mcp_gateway.sign_in.flow import Flow  # the SDK, for those who use it

        self._forget_old(config.id, person)
        flow = Flow(
            str(row["url"]),
            redirect,
            row["oauth_client_id"],
            row["oauth_client_secret"],
            seconds=OPEN_SECONDS,
            trusted=self._home(config, str(row["url"])) is not None,
        )
        address, state = await flow.address(BEGIN_SECONDS)
        self._open[state] = _Open(flow, config.id, config.name, actor.user_id, person, self._clock() + OPEN_SECONDS)
        return {"address": address, "host": urlsplit(address).hostname or ""}

    async def finish(
        self, state: str, code: str | None, iss: str | None, error: str | None, person: int | None = None
    ) -> str:
        """What the browser brought back. Returns the server's name. Raises ValidationFailed, UpstreamFailed, Forbidden.

        `person` is who is signed in to GridBear in that browser, as far as somebody is.
        """
        found = self._open.pop(state, None)
        if found is None or found.ends <= self._clock():
            raise ValidationFailed("This sign-in is over, or was never begun here. Begin it again in GridBear.")
        if person is not None and found.owner_id is not None and person != found.owner_id:
            # Somebody sent them the address: their account there would be used by the other one.
            found.flow.cancel()
            raise Forbidden(f"Somebody else has begun this sign-in to {found.server}: your account was not given away.")
        if not code:
            found.flow.cancel()
            raise UpstreamFailed(
                f"The sign-in to {found.server} was refused" + (f" ({error[:100]})." if error else ".")
            )
        found.flow.answered(code, state, iss)
        tokens, issuer, scopes = await found.flow.result(FINISH_SECONDS)
        await self._keep(found, tokens, issuer, scopes)
        return found.server

    async def end(self, actor: Actor, config: ServerConfig) -> None:
        """Sign out: our tokens are taken back where the server allows it, and forgotten. Raises NotFound."""
        row = await self.find(config.id, self._person(actor, config))
        if row is None:
            raise NotFound(f"Nobody is signed in to {config.name}.")
        tokens = await self._tokens(row["id"])
        await self._records.delete(SYSTEM, MODEL, row["id"])
        if tokens is None or tokens.revocation_endpoint is None:
            return
        from server.mcp_gateway.sign_in.tokens import asked

        server = await self._records.get(SYSTEM, "mcp_servers", config.id)
        try:
            token = tokens.refresh_token or tokens.access_token
            await asked(self._home(config, str(server["url"])), tokens.revocation_endpoint, tokens, {"token": token})
        except Exception as error:  # it is forgotten here in any case, and whatever they do is their affair
            _log.info("The tokens of MCP server %s could not be taken back: %s", config.name, type(error).__name__)

    async def find(self, server_id: int, person: int | None) -> dict[str, Any] | None:
        """The record of a sign-in, for `person` alone or (None) for everybody."""
        where = {"server_id": server_id, **({"shared": True} if person is None else {"owner_id": person})}
        rows = await self._records.find(SYSTEM, MODEL, where=where)
        return next((row for row in rows if person is None or not row["shared"]), None)

    async def server_of(self, sign_in_id: int) -> int | None:
        """The server that a sign-in is for, or was for."""
        with contextlib.suppress(NotFound):
            return int((await self._records.get(SYSTEM, MODEL, sign_in_id))["server_id"])
        return self._servers.pop(sign_in_id, None)

    async def auth_for(self, config: ServerConfig, url: str) -> TokenAuth | None:
        """What gives requests to the server their tokens; None while nobody has signed in."""
        row = await self.find(config.id, config.person)
        if row is None:
            return None
        self._servers[row["id"]] = config.id
        # A refresh token is good once: what the connection before this one is getting for it must not be missed.
        if under_way := [task for task, of in self._renewals.items() if of == row["id"]]:
            await asyncio.wait(under_way)
        tokens = await self._tokens(row["id"])
        if tokens is None:
            return None
        from server.mcp_gateway.sign_in.tokens import TokenAuth

        async def save(renewed: Tokens) -> None:
            with contextlib.suppress(NotFound):
                await self._records.update(SYSTEM, MODEL, row["id"], _columns(renewed))

        return TokenAuth(self._home(config, url), tokens, save, hold=partial(self._hold, row["id"]))

    async def settle(self) -> None:
        """Wait a moment for renewals that are under way; without what they bring somebody had to sign in again."""
        if self._renewals:
            await asyncio.wait(self._renewals, timeout=SETTLE_SECONDS)
        for task in self._renewals:
            task.cancel()
        await asyncio.gather(*self._renewals, return_exceptions=True)

    def _hold(self, sign_in_id: int, renewal: asyncio.Task[bool]) -> None:
        self._renewals[renewal] = sign_in_id
        renewal.add_done_callback(self._renewals.pop)

    def stop(self) -> None:
        """End what is open."""
        for found in self._open.values():
            found.flow.cancel()
        self._open.clear()

    async def _keep(self, found: _Open, tokens: Tokens, issuer: str, scopes: list[str]) -> None:
        values = {
            **_columns(tokens),
            "server_id": found.server_id,
            "owner_id": found.owner_id,
            "shared": found.person is None,
            "issuer": issuer,
            "scopes": scopes,
        }
        # Of two that end at once the later one takes the place of the other: signing out ends one record alone.
        async with self._keeping:
            if (old := await self.find(found.server_id, found.person)) is not None:
                # It may be signed out meanwhile.
                with contextlib.suppress(NotFound):
                    await self._records.delete(SYSTEM, MODEL, old["id"])
            await self._records.create(SYSTEM, MODEL, values)

    async def _tokens(self, row_id: int) -> Tokens | None:
        from server.mcp_gateway.sign_in.tokens import Tokens

        try:
            return Tokens.of_text((await self._records.reveal(SYSTEM, MODEL, row_id))["tokens"] or "")
        except (GridBearError, ValueError, TypeError):
            # Sealed under a key that is not here any more, or forgotten with it: somebody signs in again.
            return None

    def _home(self, config: ServerConfig, url: str) -> str | None:
        """The address of a server that an admin chose, or whose host an admin listed; None: nobody did."""
        chosen = config.owner is None or is_listed_host(url, self._records.shelf.settings.current)
        return url if chosen else None

    def _person(self, actor: Actor, config: ServerConfig) -> int | None:
        if not config.signs_in_each:
            if not actor.is_admin:
                raise Forbidden(f"Only admins sign in to {config.name}, for everybody who may use it.")
            return None
        if actor.user_id is None:
            raise Forbidden(f"{config.name} wants everybody's own account: sign in as yourself first.")
        return actor.user_id

    def _forget_old(self, server_id: int, person: int | None) -> None:
        now = self._clock()
        for state, found in list(self._open.items()):
            if found.ends <= now or (found.server_id, found.person) == (server_id, person):
                self._open.pop(state).flow.cancel()
        while len(self._open) >= MOST_OPEN:
            self._open.pop(next(iter(self._open))).flow.cancel()


def _columns(tokens: Tokens) -> dict[str, Any]:
    ends = None
    if tokens.expires_at is not None:
        ends = to_text(datetime.datetime.fromtimestamp(tokens.expires_at, datetime.UTC))
    return {"tokens": tokens.to_text(), "expires_at": ends}
