"""Permissions that people gave to programs: a code first, then an access token and refresh tokens that take turns.

Only hashes are stored. A code or refresh token that comes a second time is in two hands: all that came from it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.auth.tokens import ACCESS_TOKEN_PREFIX, REFRESH_TOKEN_PREFIX, new_token, token_hash
from server.errors import Conflict, NotFound
from server.records.service import Records
from server.records.times import from_text, to_text

_MODEL = "oauth_tokens"
CODE_SECONDS = 60.0
ACCESS_SECONDS = 3600
UNUSED_DAYS = 30.0
MOST_CODES = 1000
_FAMILY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Permission:
    """What a person allowed, and the request that asked for it."""

    client_row: int
    client: str
    client_name: str
    user_id: int
    role: str | None
    scopes: tuple[str, ...]
    resource: str
    redirect: str
    redirect_was_given: bool
    challenge: str
    ends: float = 0.0


@dataclass(frozen=True, slots=True)
class Issued:
    """Fresh tokens, told once."""

    access_token: str
    refresh_token: str
    scopes: tuple[str, ...]
    seconds: int = ACCESS_SECONDS


class Grants:
    """Codes (in memory, for a minute) and the records of `oauth_tokens`."""

    def __init__(
        self,
        records: Records,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._clock = clock
        self._codes: dict[str, Permission] = {}
        self._lock = asyncio.Lock()

    def issue_code(self, actor: Actor, **asked: Any) -> str:
        """A code for what `actor` allowed just now; `asked` are the fields of a `Permission`."""
        assert actor.user_id is not None
        code = new_token()
        ends = self._clock() + CODE_SECONDS
        self._codes[token_hash(code)] = Permission(user_id=actor.user_id, role=actor.role, ends=ends, **asked)
        while len(self._codes) > MOST_CODES:
            del self._codes[next(iter(self._codes))]
        return code

    async def permission_of(self, code: str) -> Permission | None:
        """What an unused code stands for. One that was used ends what came from it."""
        async with self._lock:
            found = self._codes.get(token_hash(code))
            if found is None:
                await self._end_what_came_from(code)
            elif found.ends <= self._clock():
                del self._codes[token_hash(code)]
                return None
            return found

    async def redeem(self, code: str) -> Issued | None:
        """Tokens for a code, once. None when it does not work, or the person is not what they were."""
        async with self._lock:
            permission = self._codes.pop(token_hash(code), None)
            if permission is None:
                await self._end_what_came_from(code)
                return None
            person = self._records.look_up(SYSTEM, "users", "id", permission.user_id)
            if person is None or not person["is_active"] or person["role"] != permission.role:
                return None
            family = secrets.token_urlsafe(_FAMILY_BYTES)
            issued, columns = self._fresh(family, permission.scopes)
            values = {
                **columns,
                "owner_id": permission.user_id,
                "role": permission.role,
                "client_id": permission.client_row,
                "client_name": permission.client_name,
                "redirect": permission.redirect,
                "scopes": list(permission.scopes),
                "resource": permission.resource,
                "family_hash": token_hash(family),
                "code_hash": token_hash(code),
            }
            try:
                await self._records.create(SYSTEM, _MODEL, values)
            except Conflict:
                # The app, or the person, was deleted at that moment.
                return None
            return issued

    async def row_of_refresh(self, token: str) -> dict[str, Any] | None:
        """The permission that a refresh token stands for. One that was used already ends it."""
        async with self._lock:
            return await self._current(token)

    async def refresh(self, token: str, scopes: tuple[str, ...]) -> Issued | None:
        """New tokens in place of the old ones, which end; `scopes` are some of those that were allowed."""
        async with self._lock:
            row = await self._current(token)
            if row is None or not set(scopes) <= set(row["scopes"]):
                return None
            issued, columns = self._fresh(_parts(token)[0], scopes)
            try:
                await self._records.update(SYSTEM, _MODEL, row["id"], columns)
            except NotFound:
                # Its person ended it at that moment.
                return None
            return issued

    def row_of_any(self, token: str) -> dict[str, Any] | None:
        """The permission of an access or refresh token of any age."""
        if token.startswith(ACCESS_TOKEN_PREFIX):
            return self._records.look_up(SYSTEM, _MODEL, "access_hash", token_hash(token))
        return self._records.look_up(SYSTEM, _MODEL, "family_hash", token_hash(_parts(token)[0]))

    async def end(self, row_id: int) -> None:
        """End a permission: its tokens work nowhere any more."""
        with contextlib.suppress(NotFound):
            await self._records.delete(SYSTEM, _MODEL, row_id)

    async def end_of(self, user_id: int) -> None:
        """End everything that a person allowed, codes on their way included."""
        for key in [key for key, permission in self._codes.items() if permission.user_id == user_id]:
            del self._codes[key]
        # A code that is being exchanged just now is waited for, so that its tokens end too.
        async with self._lock:
            while rows := await self._records.find(SYSTEM, _MODEL, where={"owner_id": user_id}):
                for row in rows:
                    await self.end(row["id"])

    async def sweep(self) -> None:
        """Remove what was not used for thirty days."""
        before = to_text(datetime.fromtimestamp(self._clock(), UTC))
        for row in await self._records.find(SYSTEM, _MODEL, where={"expires_at__lte": before}):
            await self.end(row["id"])

    async def _current(self, token: str) -> dict[str, Any] | None:
        family, secret = _parts(token)
        row = self._records.look_up(SYSTEM, _MODEL, "family_hash", token_hash(family)) if secret else None
        if row is None:
            return None
        if not hmac.compare_digest(row["refresh_hash"], token_hash(secret)):
            await self.end(row["id"])
            return None
        return row if from_text(row["expires_at"]).timestamp() > self._clock() else None

    async def _end_what_came_from(self, code: str) -> None:
        row = self._records.look_up(SYSTEM, _MODEL, "code_hash", token_hash(code))
        if row is not None:
            await self.end(row["id"])

    def _fresh(self, family: str, scopes: tuple[str, ...]) -> tuple[Issued, dict[str, Any]]:
        access, secret = new_token(ACCESS_TOKEN_PREFIX), new_token()
        now = datetime.fromtimestamp(self._clock(), UTC)
        columns = {
            "access_hash": token_hash(access),
            "access_scopes": " ".join(scopes),
            "access_expires_at": to_text(now + timedelta(seconds=ACCESS_SECONDS)),
            "refresh_hash": token_hash(secret),
            "expires_at": to_text(now + timedelta(days=UNUSED_DAYS)),
        }
        return Issued(access, f"{REFRESH_TOKEN_PREFIX}{family}.{secret}", scopes), columns


def _parts(token: str) -> tuple[str, str]:
    """The family and the secret of a refresh token; both empty when it is none."""
    if not token.startswith(REFRESH_TOKEN_PREFIX):
        return "", ""
    family, _, secret = token.removeprefix(REFRESH_TOKEN_PREFIX).partition(".")
    return family, secret
