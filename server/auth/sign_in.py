"""Signing in and out: passwords and codes in, sessions out, and patience with neither guesses nor floods of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from server.access.actor import ANONYMOUS, SYSTEM, Actor
from server.auth.passwords import verify_password
from server.auth.second_factors import SecondFactors
from server.auth.tokens import new_token, token_hash
from server.errors import Forbidden, NotFound, RateLimited, Unauthorized, ValidationFailed
from server.limits.growing_delay import GrowingDelay
from server.records.audit import UNKNOWN
from server.records.people_by_name import person_named, plain_name
from server.records.service import Records
from server.records.times import now_text
from server.this_computer import is_loopback_host

# An address waits long: it is somebody who guesses. An account waits briefly: its owner must not be locked out.
ADDRESS_FREE, ADDRESS_MOST = 10, 900.0
ACCOUNT_FREE, ACCOUNT_MOST = 10, 30.0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the secret for the cookie, and who it belongs to."""

    token: str
    user: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What an attempt is counted by."""

    address: Hashable
    account: Hashable
    both: Hashable

    @property
    def keys(self) -> tuple[Hashable, Hashable]:
        return self.address, self.account


class SignIn:
    """Opens and ends sessions."""

    def __init__(
        self, records: Records, factors: SecondFactors, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._records = records
        self._factors = factors
        self._clock = clock
        self._addresses = GrowingDelay(free=ADDRESS_FREE, most=ADDRESS_MOST)
        self._accounts = GrowingDelay(free=ACCOUNT_FREE, most=ACCOUNT_MOST)
        # No wait of its own: how much of an address's count is for which account.
        self._both = GrowingDelay(free=ADDRESS_FREE, most=ADDRESS_MOST)
        self._told_of_wait: set[Hashable] = set()

    async def with_password(self, username: str, password: str, otp: str, device: str, address: str) -> SignedIn:
        """A session for a name, a password and, where a second factor is in force, its code.

        Unknown, disabled and wrong all look and take the same. Raises Unauthorized (`wrong_credentials`,
        `otp_required`, `wrong_otp`), RateLimited.
        """
        person = person_named(self._records, username)
        name = UNKNOWN if person is None else str(person["username"])
        attempt = await self._begin(username, address, name)
        stored = person["password"] if person is not None and person["is_active"] else None
        if not await verify_password(stored, password) or person is None:
            await self._records.note("sign_in_failed", ANONYMOUS, about=name, detail="wrong password")
            raise _wrong()
        if self._factors.is_in_force(person["id"]):
            await self._check_code(person, otp, attempt)
        self._succeeded(attempt)
        user = await self._records.get(SYSTEM, "users", person["id"])
        token = await self.open_session(user, device, address, how="password")
        if _proof(self._records.look_up(SYSTEM, "users", "id", person["id"])) != _proof(person):
            # Changed while we looked at it: whoever did that has ended the sessions of before, and this is one.
            await self._end(token)
            raise _wrong()
        return SignedIn(token, user)

    async def confirm_password(self, actor: Actor, password: str, field: str = "password") -> str | None:
        """Ask for the password again before something that matters; the hash that it was compared with.

        Raises ValidationFailed, Forbidden, RateLimited.
        """
        if actor.user_id is None or actor.kind != "user":
            raise Forbidden("This is done in a signed-in session.", code="session_needed")
        key = ("password", actor.user_id)
        self._wait(self._accounts, key)
        self._accounts.begin(key, self._clock())
        person = await self._records.reveal(SYSTEM, "users", actor.user_id)
        stored: str | None = person["password"]
        if not await verify_password(stored, password):
            await self._records.note("password_refused", actor, about=actor.username)
            raise wrong_password(field)
        now = self._records.look_up(SYSTEM, "users", "id", actor.user_id)
        if now is None or now["password"] != stored:
            # Set anew while we looked at it.
            raise wrong_password(field)
        self._accounts.succeeded(key)
        return stored

    async def open_session(self, user: dict[str, Any], device: str, address: str, *, how: str) -> str:
        """The secret of a new session of `user` (a row of `users`). `how` they came in is for the audit log."""
        token = new_token()
        values = {
            "owner_id": user["id"],
            "token_hash": token_hash(token),
            "role": user["role"],
            "device": device[:300],
            "address": address,
            "last_used_at": now_text(),
        }
        await self._records.create(SYSTEM, "sessions", values)
        person = Actor(kind="user", user_id=user["id"], username=user["username"], role=user["role"])
        await self._records.note("sign_in", person, about=user["username"], detail=how)
        return token

    async def sign_out(self, actor: Actor) -> None:
        """End the session that the caller uses."""
        if actor.kind == "user" and actor.credential_id is not None:
            with contextlib.suppress(NotFound):
                await self._records.delete(SYSTEM, "sessions", actor.credential_id)
            await self._records.note("sign_out", actor, about=actor.username)

    async def end_sessions(self, user_id: int, *, but: int | None = None) -> int:
        """End every session of a person, or every other one. Returns how many."""
        ended = 0
        # A page at a time: somebody may be signed in more often than one page holds.
        while sessions := await self._records.find(SYSTEM, "sessions", where={"owner_id": user_id, "id__ne": but or 0}):
            for session in sessions:
                with contextlib.suppress(NotFound):
                    await self._records.delete(SYSTEM, "sessions", session["id"])
                    ended += 1
        return ended

    async def _end(self, token: str) -> None:
        row = self._records.look_up(SYSTEM, "sessions", "token_hash", token_hash(token))
        if row is not None:
            with contextlib.suppress(NotFound):
                await self._records.delete(SYSTEM, "sessions", row["id"])

    async def _check_code(self, person: Mapping[str, Any], otp: str, attempt: _Attempt) -> None:
        if not otp:
            # Half of it was right: this is no guess. Those before it still are, or codes could be guessed for ever.
            self._addresses.take_back(attempt.address)
            self._accounts.take_back(attempt.account)
            self._both.take_back(attempt.both)
            raise Unauthorized("Send the code of your authenticator app as well (otp).", code="otp_required")
        if not await self._factors.check(person["id"], otp):
            await self._records.note("sign_in_failed", ANONYMOUS, about=person["username"], detail="wrong code")
            raise Unauthorized(
                "The code is wrong, was used already or has expired. Wait for the next one.", code="wrong_otp"
            )

    async def _begin(self, username: str, address: str, name: str) -> _Attempt:
        """Count the attempt. Raises RateLimited while its address or its account has to wait."""
        # From this computer its own count: nobody else may lock the owner out there.
        local = is_loopback_host(address)
        account = ("account", plain_name(username), local)
        attempt = _Attempt(("address", address), account, (address, *account))
        try:
            self._wait(self._addresses, attempt.address)
            if self._accounts.wait(account, self._clock()) and not await self._is_known(username, address):
                self._wait(self._accounts, account)
        except RateLimited:
            # Once for each wait: a flood of attempts must not push everything else out of the log.
            if not self._told_of_wait.intersection(attempt.keys):
                self._told_of_wait.update(attempt.keys)
                await self._records.note("sign_in_throttled", ANONYMOUS, about=name)
            raise
        self._told_of_wait.difference_update(attempt.keys)
        now = self._clock()
        self._addresses.begin(attempt.address, now)
        self._accounts.begin(account, now)
        self._both.begin(attempt.both, now)
        return attempt

    async def _is_known(self, username: str, address: str) -> bool:
        """Whether this person is signed in from this address already: their own typing errors don't help guessers."""
        person = person_named(self._records, username)
        if person is None:
            return False
        where = {"owner_id": person["id"], "address": address}
        return bool(await self._records.find(SYSTEM, "sessions", where=where, limit=1))

    def _wait(self, delays: GrowingDelay, key: Hashable) -> None:
        seconds = delays.wait(key, self._clock())
        if seconds > 0:
            raise RateLimited(
                "Too many attempts. The wait grows with each wrong one, and ends by itself.",
                code="too_many_attempts",
                retry_after=seconds,
            )

    def _succeeded(self, attempt: _Attempt) -> None:
        # Of the address only what was tried for this account: signing in oneself buys no guesses at others.
        self._addresses.take_back(attempt.address, self._both.count(attempt.both, self._clock()))
        self._accounts.succeeded(attempt.account)
        self._both.succeeded(attempt.both)


def wrong_password(field: str) -> ValidationFailed:
    """What was sent in `field` is not the caller's password."""
    return ValidationFailed.of(field, "wrong", "this is not your password")


def _wrong() -> Unauthorized:
    return Unauthorized("The username or the password is wrong.", code="wrong_credentials")


def _proof(person: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """What a sign-in was decided by."""
    return () if person is None else (person["password"], person["is_active"], person["role"])
