"""Argon2id hashes of passwords, made and checked off the event loop."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

from server.errors import FieldError
from server.models.user import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH

if TYPE_CHECKING:
    from argon2 import PasswordHasher


@functools.cache
def _hasher() -> PasswordHasher:
    # Needed at sign-in only, not at the start.
    from argon2 import PasswordHasher

    return PasswordHasher()


@functools.cache
def _nobodys_hash() -> str:
    return _hasher().hash("a password that nobody has")


def password_problem(password: object) -> FieldError | None:
    """Why a new password can't be taken, or None."""
    if not isinstance(password, str) or len(password) < PASSWORD_MIN_LENGTH:
        return FieldError("too_short", f"at least {PASSWORD_MIN_LENGTH} characters are wanted")
    if len(password) > PASSWORD_MAX_LENGTH:
        return FieldError("too_long", f"at most {PASSWORD_MAX_LENGTH} characters")
    return None


async def hash_password(password: str) -> str:
    """The hash to store."""
    return await asyncio.to_thread(lambda: _hasher().hash(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` belongs to the hash. Takes the same time where there is no hash."""
    return await asyncio.to_thread(_verify, stored, password[: PASSWORD_MAX_LENGTH + 1])


def _verify(stored: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(stored or _nobodys_hash(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
