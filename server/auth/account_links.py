"""One-time links: an admin invites somebody, or lets somebody set a new password."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from server.access.actor import OWNER, SYSTEM, Actor
from server.access.demands import demand_admin
from server.auth.tokens import new_token, token_hash
from server.errors import Conflict, Forbidden, NotFound, ValidationFailed
from server.records.people_by_name import taken_name
from server.records.service import Records
from server.records.times import to_text
from server.records.values import BadValue, stored_value

MODEL = "account_links"
GROUPS = "groups"
MOST_HOURS = 24 * 30


class AccountLinks:
    """Links work once, until they expire or an admin deletes them; only a hash of their secret is stored."""

    def __init__(self, records: Records, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._records = records
        self._now = now

    async def invite(
        self, actor: Actor, *, role: str, username: str | None, hours: float, groups: Sequence[str] = ()
    ) -> tuple[str, dict[str, Any]]:
        """The secret of a link that makes an account of `role` in `groups`, and the link's row. For admins."""
        _admins_only(actor)
        if username:
            self._check_name(username)
        for name in groups:
            if not await self._records.find(SYSTEM, GROUPS, where={"name": name}, limit=1):
                raise ValidationFailed.of("groups", "unknown_group", f"there is no group {name!r}")
        values = {"purpose": "invite", "role": role, "username": username or None}
        return await self._make(actor, {**values, "groups": list(dict.fromkeys(groups))}, hours)

    async def reset(self, actor: Actor, user_id: int, *, hours: float) -> tuple[str, dict[str, Any]]:
        """The secret of a link that sets a new password for a person. For admins. Earlier ones of theirs end."""
        _admins_only(actor)
        person = await self._records.get(SYSTEM, "users", user_id)
        for earlier in await self._records.find(SYSTEM, MODEL, where={"owner_id": user_id, "purpose": "reset"}):
            await self._records.delete(SYSTEM, MODEL, earlier["id"])
        values = {"purpose": "reset", "owner_id": user_id, "username": person["username"], "role": person["role"]}
        return await self._make(actor, values, hours)

    def look(self, token: str) -> dict[str, Any]:
        """What a link is for. Raises Forbidden (`link_invalid`) when it does not work, whatever the reason."""
        row = self._records.look_up(SYSTEM, MODEL, "token_hash", token_hash(token))
        if row is None or row["expires_at"] <= to_text(self._now()):
            raise Forbidden("This link was used, has expired or was withdrawn. Ask for a new one.", code="link_invalid")
        return row

    async def use(self, token: str) -> dict[str, Any]:
        """Take a link: it works for nobody afterwards. Raises Forbidden."""
        row = self.look(token)
        try:
            await self._records.delete(SYSTEM, MODEL, row["id"])
        except NotFound:
            # Somebody was faster by an instant.
            return self.look(token)
        return row

    def _check_name(self, username: str) -> None:
        """A name that nobody can have would make a link that nobody can use."""
        try:
            stored_value(self._records.registry.get("users").fields["username"], username)
        except BadValue as bad:
            raise ValidationFailed.of("username", bad.code, bad.message) from None
        if taken := taken_name(self._records, username):
            raise Conflict(f"A user {taken!r} exists already.", code="exists")

    async def _make(self, actor: Actor, values: dict[str, Any], hours: float) -> tuple[str, dict[str, Any]]:
        if not 0 < hours <= MOST_HOURS:
            raise ValidationFailed.of("hours", "out_of_range", f"more than 0 and at most {MOST_HOURS} are wanted")
        token = new_token()
        expires = to_text(self._now() + timedelta(hours=hours))
        made_by = actor.username or OWNER.username
        row = await self._records.create(
            SYSTEM, MODEL, {**values, "expires_at": expires, "made_by": made_by, "token_hash": token_hash(token)}
        )
        await self._records.note("link_made", actor, about=row["username"], detail=f"{row['purpose']}, {row['role']}")
        return token, row


def _admins_only(actor: Actor) -> None:
    demand_admin(actor, "Only admins make links for people.")
