"""Second factors: setting one up, checking a code, recovery codes."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.access.actor import SYSTEM
from server.auth.tokens import token_hash
from server.errors import Conflict, NotFound, ValidationFailed
from server.qr_code import qr_rows
from server.records.service import Records
from server.records.times import now_text

STEP_SECONDS = 30
STEPS_AROUND = 1
"""A clock may be this many steps wrong, in either direction."""
RECOVERY_CODES = 10
# 80 bits, in letters and digits that nobody mixes up.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_PARTS = 4
_MODEL = "second_factors"
_CODES = "recovery_codes"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a person needs to set up their app: the secret as text, as an address, and as the rows of a QR code."""

    secret: str
    uri: str
    qr: list[str]


class SecondFactors:
    """One factor for each person. A code works once, also in the moment in which two sign-ins send it."""

    def __init__(self, records: Records, *, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._clock = clock
        self._lock = asyncio.Lock()

    def is_in_force(self, user_id: int) -> bool:
        """Whether signing in needs a code."""
        return has_second_factor(self._records, user_id)

    async def begin(self, user_id: int, username: str, issuer: str) -> Enrolment:
        """A fresh secret, not in force before `confirm`. Raises Conflict when there is a factor already."""
        import pyotp  # only whoever sets one up needs it

        async with self._lock:
            row = self._row(user_id)
            if row is not None and row["confirmed_at"] is not None:
                raise Conflict("There is a second factor already. Remove it first.", code="second_factor_exists")
            secret = pyotp.random_base32()
            if row is not None:
                await self._records.delete(SYSTEM, _MODEL, row["id"])
            await self._records.create(SYSTEM, _MODEL, {"owner_id": user_id, "secret": secret, "last_step": 0})
        uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)
        return Enrolment(secret, uri, qr_rows(uri))

    async def confirm(self, user_id: int, code: str) -> list[str]:
        """Put the factor in force by its first code. Returns recovery codes, which are told only now."""
        async with self._lock:
            row = self._row(user_id)
            if row is None:
                raise NotFound("Begin to set up a second factor first.", code="second_factor_not_begun")
            if row["confirmed_at"] is not None:
                raise Conflict("The second factor is in force already.", code="second_factor_exists")
            step = self._step_of(row, code)
            if step is None:
                raise ValidationFailed.of("otp", "wrong", "this code is not right; check the clock of both devices")
            await self._records.update(SYSTEM, _MODEL, row["id"], {"confirmed_at": now_text(), "last_step": step})
            return await self._fresh_codes(user_id)

    async def check(self, user_id: int, code: str) -> bool:
        """Whether `code` is right: of the app, not used before, or a recovery code, which is used up by this."""
        async with self._lock:
            row = self._row(user_id)
            if row is None:
                return False
            step = self._step_of(row, code)
            if step is not None:
                await self._records.update(SYSTEM, _MODEL, row["id"], {"last_step": step})
                return True
            return await self._use_recovery_code(user_id, code)

    async def new_codes(self, user_id: int) -> list[str]:
        """Recovery codes in place of all earlier ones. Raises NotFound without a factor."""
        async with self._lock:
            if not self.is_in_force(user_id):
                raise NotFound("There is no second factor.", code="no_second_factor")
            return await self._fresh_codes(user_id)

    async def remove(self, user_id: int) -> None:
        """Sign in with the password alone from now on. Raises NotFound without a factor."""
        async with self._lock:
            row = self._row(user_id)
            if row is None:
                raise NotFound("There is no second factor.", code="no_second_factor")
            await self._forget_codes(user_id)
            await self._records.delete(SYSTEM, _MODEL, row["id"])

    async def codes_left(self, user_id: int) -> int:
        """How many recovery codes still work."""
        return len(await self._records.find(SYSTEM, _CODES, where={"owner_id": user_id}))

    def _row(self, user_id: int) -> dict[str, Any] | None:
        return self._records.look_up(SYSTEM, _MODEL, "owner_id", user_id)

    def _step_of(self, row: dict[str, Any], code: str) -> int | None:
        """The step that `code` belongs to, if it is near now and later than every one that was used."""
        import pyotp

        digits = code.replace(" ", "")
        if not digits.isascii() or not digits.isdigit() or len(digits) != 6:
            return None
        if not row["secret"]:
            # Emptied because its key was lost: no code is right, and recovery codes still are.
            return None
        totp = pyotp.TOTP(row["secret"])
        now = int(self._clock()) // STEP_SECONDS
        for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
            right = secrets.compare_digest(totp.generate_otp(step), digits)
            if right and step > row["last_step"]:
                return step
        return None

    async def _use_recovery_code(self, user_id: int, code: str) -> bool:
        wanted = token_hash(_plain(code))
        found = self._records.look_up(SYSTEM, _CODES, "code_hash", wanted)
        if found is None or found["owner_id"] != user_id:
            return False
        await self._records.delete(SYSTEM, _CODES, found["id"])
        return True

    async def _fresh_codes(self, user_id: int) -> list[str]:
        await self._forget_codes(user_id)
        codes = [
            "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(_PARTS))
            for _ in range(RECOVERY_CODES)
        ]
        for code in codes:
            values = {"owner_id": user_id, "code_hash": token_hash(_plain(code))}
            await self._records.create(SYSTEM, _CODES, values)
        return codes

    async def _forget_codes(self, user_id: int) -> None:
        for row in await self._records.find(SYSTEM, _CODES, where={"owner_id": user_id}):
            await self._records.delete(SYSTEM, _CODES, row["id"])


def has_second_factor(records: Records, user_id: int) -> bool:
    """Whether a person's second factor is in force."""
    row = records.look_up(SYSTEM, _MODEL, "owner_id", user_id)
    return row is not None and row["confirmed_at"] is not None


def _plain(code: str) -> str:
    return "".join(letter for letter in code.casefold() if letter.isalnum())
