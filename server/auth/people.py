"""People: the first admin, signing in and out, changing one's password, tokens for scripts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from server.access.actor import OWNER, SYSTEM, Actor
from server.auth.passwords import hash_password, password_problem, verify_password
from server.auth.tokens import new_token, token_hash
from server.config import SettingsHolder
from server.errors import Conflict, FieldError, Forbidden, NotFound, RateLimited, Unauthorized, ValidationFailed
from server.events.bus import Bus, RecordChanged
from server.limits.token_bucket import TokenBuckets
from server.records.service import Records
from server.records.times import now_text

SETUP_SECONDS = 24 * 3600.0
TICKET_SECONDS = 30.0
MAX_ONE_TIME = 16
SIGN_IN_RATE = 5 / 60
SIGN_IN_BURST = 10


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the secret for the cookie, and who it belongs to."""

    token: str
    user: dict[str, Any]


class OneTimeTokens:
    """Secrets that work once and not for long."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ends: dict[str, float] = {}

    def make(self) -> str:
        """A fresh one. The oldest stop working when there are too many."""
        token = new_token()
        self._ends[token_hash(token)] = self._clock() + self._seconds
        while len(self._ends) > MAX_ONE_TIME:
            del self._ends[next(iter(self._ends))]
        return token

    def is_good(self, token: str) -> bool:
        """Whether `token` would work now."""
        return self._ends.get(token_hash(token), 0.0) > self._clock()

    def use(self, token: str) -> bool:
        """Whether `token` works; it never does again."""
        return self._ends.pop(token_hash(token), 0.0) > self._clock()

    def clear(self) -> None:
        self._ends.clear()


class People:
    """What happens to accounts. Every row goes through the records service."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        bus: Bus,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._settings = settings
        self._clock = clock
        self._attempts = TokenBuckets()
        self._setup_lock = asyncio.Lock()
        self._has_admin = False
        self.setup_tokens = OneTimeTokens(SETUP_SECONDS, clock)
        self.tickets = OneTimeTokens(TICKET_SECONDS, clock)
        bus.subscribe(self._changed)
        self._watchers: set[asyncio.Task[None]] = set()

    @property
    def needs_setup(self) -> bool:
        """Whether nobody can administer this server yet."""
        return not self._has_admin

    async def start(self) -> None:
        """Learn whether there is an admin."""
        self._has_admin = await self.first_admin() is not None

    async def first_admin(self) -> dict[str, Any] | None:
        """The admin that was made first and is active."""
        found = await self._records.find(SYSTEM, "users", where={"role": "admin", "is_active": True}, limit=1)
        return found[0] if found else None

    async def set_up(
        self, token: str, username: str, password: str, confirm: str, device: str, address: str
    ) -> SignedIn:
        """Make the first admin with a set-up link's token and sign them in. The token works once."""
        async with self._setup_lock:
            if not self.needs_setup:
                raise Conflict("GridBear is set up already. Sign in instead.", code="already_set_up")
            if not self.setup_tokens.is_good(token):
                raise Forbidden(
                    "This set-up link is not valid any more. `gridbear setup-link` prints a fresh one.",
                    code="setup_link_invalid",
                )
            if password != confirm:
                raise ValidationFailed.of("password_confirm", "not_equal", "the two passwords differ")
            user = await self.create_user(OWNER, username, password, role="admin")
            self.setup_tokens.clear()
            self._has_admin = True
        return SignedIn(await self._open_session(user["id"], device, address), user)

    async def create_user(
        self, actor: Actor, username: str, password: str, *, role: str = "member", display_name: str | None = None
    ) -> dict[str, Any]:
        """A new person with a password. Raises Conflict (code `exists`) when the name is taken."""
        problem = password_problem(password)
        if problem is not None:
            raise ValidationFailed(f"password: {problem.message}", fields={"password": problem})
        if await self._records.find(SYSTEM, "users", where={"username": username}, limit=1):
            raise Conflict(f"A user {username!r} exists already; nothing was changed.", code="exists")
        values: dict[str, Any] = {"username": username, "password": password, "role": role}
        if display_name:
            values["display_name"] = display_name
        user = await self._records.create(actor, "users", values)
        if role == "admin":
            self._has_admin = True
        return user

    async def sign_in(self, username: str, password: str, device: str, address: str) -> SignedIn:
        """A session for a name and password. Unknown, disabled and wrong all look and take the same."""
        for key in (("address", address), ("name", username.casefold(), address)):
            self._count_attempt(key)
        person = self._records.look_up(SYSTEM, "users", "username", username)
        stored = person["password"] if person is not None and person["is_active"] else None
        if not await verify_password(stored, password) or person is None:
            raise Unauthorized("The username or the password is wrong.", code="wrong_credentials")
        user = await self._records.get(SYSTEM, "users", person["id"])
        return SignedIn(await self._open_session(person["id"], device, address), user)

    async def sign_in_owner(self, ticket: str, device: str, address: str) -> SignedIn | None:
        """The window's sign-in: a ticket of the control token becomes a session of the first admin.

        None when there is no admin yet. Raises Forbidden for a ticket that does not work.
        """
        if not self.tickets.use(ticket):
            raise Forbidden("This ticket was used or is too old. Open the window again.", code="ticket_invalid")
        admin = await self.first_admin()
        return None if admin is None else SignedIn(await self._open_session(admin["id"], device, address), admin)

    async def person(self, user_id: int) -> dict[str, Any]:
        """The public row of a person. Raises NotFound."""
        return await self._records.get(SYSTEM, "users", user_id)

    async def sign_out(self, actor: Actor) -> None:
        """End the session that the caller uses."""
        if actor.kind == "user" and actor.credential_id is not None:
            try:
                await self._records.delete(SYSTEM, "sessions", actor.credential_id)
            except NotFound:
                return

    async def change_password(self, actor: Actor, current: str, new: str) -> None:
        """Change one's own password; every other session of the person ends."""
        if actor.user_id is None or actor.kind != "user":
            raise Forbidden("Passwords are changed in a signed-in session.")
        self._count_attempt(("password", actor.user_id))
        person = await self._records.reveal(SYSTEM, "users", actor.user_id)
        if not await verify_password(person["password"], current):
            raise ValidationFailed.of("current_password", "wrong", "this is not your password")
        problem = password_problem(new)
        if problem is not None:
            raise ValidationFailed(f"new_password: {problem.message}", fields={"new_password": problem})
        await self._records.update(SYSTEM, "users", actor.user_id, {"password": await hash_password(new)})
        others = {"owner_id": actor.user_id, "id__ne": actor.credential_id}
        # A page at a time: somebody may be signed in more often than one page holds.
        while sessions := await self._records.find(SYSTEM, "sessions", where=others):
            for session in sessions:
                with contextlib.suppress(NotFound):
                    await self._records.delete(SYSTEM, "sessions", session["id"])

    async def create_token(
        self, username: str, *, name: str = "cli", scopes: list[str] | None = None, expires_at: str | None = None
    ) -> dict[str, Any]:
        """A personal API token for `username`; the answer has the secret, once."""
        person = self._records.look_up(SYSTEM, "users", "username", username)
        if person is None:
            raise NotFound(f"There is no user {username!r}.")
        acting = Actor(kind="owner", user_id=person["id"], username=username, role="admin")
        values: dict[str, Any] = {"name": name}
        if scopes:
            values["scopes"] = scopes
        if expires_at:
            values["expires_at"] = expires_at
        return await self._records.create(acting, "api_tokens", values)

    def _count_attempt(self, key: Hashable) -> None:
        decision = self._attempts.take(key, rate=SIGN_IN_RATE, burst=SIGN_IN_BURST, now=self._clock())
        if not decision.allowed:
            raise RateLimited("Too many attempts (10 at once, 5 per minute).", retry_after=decision.retry_after)

    async def _open_session(self, user_id: int, device: str, address: str) -> str:
        token = new_token()
        values = {
            "owner_id": user_id,
            "token_hash": token_hash(token),
            "device": device[:300],
            "address": address,
            "last_used_at": now_text(),
        }
        await self._records.create(SYSTEM, "sessions", values)
        return token

    def _changed(self, event: RecordChanged) -> None:
        if event.model == "users":
            task = asyncio.get_running_loop().create_task(self.start())
            self._watchers.add(task)
            task.add_done_callback(self._watchers.discard)


def missing_fields(form: Mapping[str, Any], *names: str) -> dict[str, FieldError]:
    """Errors for the fields of a form that are absent or no text."""
    return {
        name: FieldError("required", "a value is required") for name in names if not isinstance(form.get(name), str)
    }
