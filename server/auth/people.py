"""People: the first admin, joining by a link, changing and resetting passwords, tokens for scripts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from server.access.actor import ANONYMOUS, OWNER, SYSTEM, Actor
from server.auth.account_links import GROUPS, AccountLinks
from server.auth.oauth.grants import Grants
from server.auth.one_time import OneTimeTokens
from server.auth.passwords import hash_password, password_problem
from server.auth.second_factors import SecondFactors
from server.auth.sign_in import SignedIn, SignIn, wrong_password
from server.errors import Conflict, FieldError, Forbidden, NotFound, ValidationFailed
from server.events.bus import Bus, RecordChanged
from server.records.people_by_name import person_named, taken_name
from server.records.service import Records
from server.records.work import Work

SETUP_SECONDS = 24 * 3600.0
TICKET_SECONDS = 30.0


class People:
    """What happens to accounts. Every row goes through the records service."""

    def __init__(self, records: Records, bus: Bus, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self.note = records.note
        self._setup_lock = asyncio.Lock()
        self._has_admin = False
        self.factors = SecondFactors(records)
        self.sessions = SignIn(records, self.factors, clock=clock)
        self.links = AccountLinks(records)
        self.grants = Grants(records)
        self.setup_tokens = OneTimeTokens(SETUP_SECONDS, clock)
        self.tickets = OneTimeTokens(TICKET_SECONDS, clock)
        bus.subscribe(self._changed, ("users",))
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
            _same(password, confirm)
            user = await self.create_user(OWNER, username, password, role="admin")
            self.setup_tokens.clear()
            self._has_admin = True
        return SignedIn(await self.sessions.open_session(user, device, address, how="set-up link"), user)

    async def create_user(
        self, actor: Actor, username: str, password: str, *, role: str = "member", display_name: str | None = None
    ) -> dict[str, Any]:
        """A new person with a password. Raises Conflict (code `exists`) when the name is taken, in whatever case."""
        if actor == SYSTEM:
            # What the system writes is stored as it is, a password unhashed.
            raise Forbidden("People are made by somebody, not by the system.")
        _good(password)
        if taken := taken_name(self._records, username):
            raise Conflict(f"A user {taken!r} exists already; nothing was changed.", code="exists")
        values: dict[str, Any] = {"username": username, "password": password, "role": role}
        if display_name:
            values["display_name"] = display_name
        user = await self._records.create(actor, "users", values)
        if role == "admin":
            self._has_admin = True
        return user

    async def sign_in_owner(self, ticket: str, device: str, address: str) -> SignedIn | None:
        """The window's sign-in: a ticket of the control token becomes a session of the first admin.

        None when there is no admin yet. Raises Forbidden for a ticket that does not work.
        """
        if not self.tickets.use(ticket):
            raise Forbidden("This ticket was used or is too old. Open the window again.", code="ticket_invalid")
        admin = await self.first_admin()
        if admin is None:
            return None
        return SignedIn(await self.sessions.open_session(admin, device, address, how="window"), admin)

    async def everybody(self) -> list[dict[str, Any]]:
        """The first 500 people, by id."""
        return await self._records.find(SYSTEM, "users")

    async def named(self, username: str) -> dict[str, Any]:
        """The public row of the person called `username`. Raises NotFound."""
        person = person_named(self._records, username)
        if person is None:
            raise NotFound(f"There is no user {username!r}.")
        return await self.person(person["id"])

    async def person(self, user_id: int) -> dict[str, Any]:
        """The public row of a person. Raises NotFound."""
        return await self._records.get(SYSTEM, "users", user_id)

    async def join(self, token: str, username: str, password: str, confirm: str, **more: Any) -> dict[str, Any]:
        """Make the account that an invitation is for. The link works once. `more`: `display_name`.

        Raises Forbidden (`link_invalid`), ValidationFailed, Conflict (`exists`); the link still works then.
        """
        _same(password, confirm)
        _good(password)
        async with self._setup_lock:
            link = self.links.look(token)
            if link["purpose"] != "invite":
                raise Forbidden("This link is for a new password, not for a new account.", code="link_invalid")
            user = await self.create_user(OWNER, link["username"] or username, password, role=link["role"], **more)
            await self._put_into(user["id"], link["groups"] or ())
            try:
                await self.links.use(token)
            except Forbidden:
                # An admin withdrew it meanwhile, and the account with it.
                await self._records.delete(SYSTEM, "users", user["id"])
                raise
        await self.note("link_used", ANONYMOUS, about=user["username"], detail="invite")
        return user

    async def reset_by_link(self, token: str, password: str, confirm: str) -> dict[str, Any]:
        """Set the password that a reset link is for. Every session of the person ends; the link works once."""
        link = self.links.look(token)
        if link["purpose"] != "reset":
            raise Forbidden("This link is for a new account, not for a new password.", code="link_invalid")
        _same(password, confirm)
        _good(password)
        await self.links.use(token)
        return await self.set_password(ANONYMOUS, link["owner_id"], password)

    async def set_password(self, actor: Actor, user_id: int, password: str) -> dict[str, Any]:
        """Set a password without knowing the old one, and end sessions and apps. For whoever has proved to be allowed.

        That is the machine's owner, or nobody with a link.
        """
        _good(password)
        await self._records.update(SYSTEM, "users", user_id, {"password": await hash_password(password)})
        await self.sessions.end_sessions(user_id)
        await self.grants.end_of(user_id)
        person = await self.person(user_id)
        await self.note("password_reset", actor, about=person["username"])
        return person

    async def change_password(self, actor: Actor, current: str, new: str) -> None:
        """Change one's own password; every other session of the person ends, and what they allowed apps."""
        confirmed = await self.sessions.confirm_password(actor, current, "current_password")
        _good(new, "new_password")
        assert actor.user_id is not None
        user_id, made = actor.user_id, await hash_password(new)

        def change(work: Work, _results: list[Any]) -> None:
            users = work.prepared("users")
            may = self._records.policy.permission(SYSTEM, users.spec, "update")
            if work.stored(users, user_id, may)["password"] != confirmed:
                # Somebody set another one meanwhile, perhaps because this one is in two hands.
                raise wrong_password("current_password")
            work.change("users", user_id, {"password": made}, may, ("id",))

        await self._records.work(SYSTEM, change, ("users",), always=True)
        await self.sessions.end_sessions(user_id, but=actor.credential_id)
        await self.grants.end_of(user_id)
        await self.note("password_changed", actor, about=actor.username)

    async def create_token(
        self, username: str, *, name: str = "cli", scopes: list[str] | None = None, expires_at: str | None = None
    ) -> dict[str, Any]:
        """A personal API token for `username`; the answer has the secret, once."""
        person = person_named(self._records, username)
        if person is None:
            raise NotFound(f"There is no user {username!r}.")
        acting = Actor(kind="owner", user_id=person["id"], username=person["username"], role="admin")
        values: dict[str, Any] = {"name": name}
        if scopes:
            values["scopes"] = scopes
        if expires_at:
            values["expires_at"] = expires_at
        return await self._records.create(acting, "api_tokens", values)

    async def _put_into(self, user_id: int, groups: Iterable[str]) -> None:
        """Make somebody a member of the groups of these names; one that is gone by now is left out."""
        for name in groups:
            for group in await self._records.find(SYSTEM, GROUPS, where={"name": name}, limit=1):
                await self._records.create(OWNER, "group_members", {"group_id": group["id"], "user_id": user_id})

    def _changed(self, _event: RecordChanged) -> None:
        task = asyncio.get_running_loop().create_task(self.start())
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)


def missing_fields(form: Mapping[str, Any], *names: str) -> dict[str, FieldError]:
    """Errors for the fields of a form that are absent or no text."""
    return {
        name: FieldError("required", "a value is required") for name in names if not isinstance(form.get(name), str)
    }


def _good(password: str, field: str = "password") -> None:
    problem = password_problem(password)
    if problem is not None:
        raise ValidationFailed(f"{field}: {problem.message}", fields={field: problem})


def _same(password: str, confirm: str) -> None:
    if password != confirm:
        raise ValidationFailed.of("password_confirm", "not_equal", "the two passwords differ")
