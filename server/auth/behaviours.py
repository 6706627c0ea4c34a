"""What people, tokens and sessions do beyond being stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from server.access.actor import MODEL_SCOPE, SCOPES, TOOL_SCOPE, Actor, Scope
from server.auth.passwords import hash_password, password_problem
from server.auth.tokens import API_TOKEN_PREFIX, SHOWN_PREFIX_LENGTH, new_token, token_hash
from server.db.transaction import Transaction
from server.errors import Conflict, FieldError, Forbidden, ValidationFailed
from server.models.base import WriteVerb
from server.models.oauth_token import delete_tokens_of_person_sql
from server.models.preference import count_of_person_sql
from server.models.session import delete_of_person_sql, delete_surplus_sql
from server.models.user import ACTIVE_ADMIN, ALIKE_SQL, count_active_admins_sql
from server.records.behaviour import Behaviour, Prepared
from server.records.ownership import require_unruled_credential
from server.records.people_by_name import plain_name
from server.records.service import Records
from server.records.time_zones import PREFERENCE, zone_named
from server.records.times import now_text

MOST_SESSIONS = 1000
MOST_PREFERENCES = 500


class UserBehaviour(Behaviour):
    """Hashes the password, keeps the last admin, signs out whoever loses access."""

    def __init__(self) -> None:
        self._count_admins = count_active_admins_sql()
        self._sign_out = (("sessions", delete_of_person_sql()), ("oauth_tokens", delete_tokens_of_person_sql()))

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        password = columns.get("password")
        if password is None or actor.kind == "system":
            return Prepared(columns)
        problem = password_problem(password)
        if problem is not None:
            raise ValidationFailed(f"password: {problem.message}", fields={"password": problem})
        return Prepared({**columns, "password": await hash_password(password)})

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if verb == "create":
            if row is not None:
                _one_of_its_name(transaction, record_id, row["username"])
            return
        if row is not None:
            # A session is as good as the role that it was begun with: nobody goes on with rights of yesterday.
            role = row["role"] if row["is_active"] else None
            for model, sign_out in self._sign_out:
                transaction.touched.add(model)
                transaction.execute(sign_out, {"owner_id": record_id, "role": role or "-"})

    def settle_loss(self, transaction: Transaction, before: Mapping[str, Any]) -> None:
        # Where there never was an admin none is lost: people are changed, or let in again, before the first one comes.
        was_admin = before["role"] == ACTIVE_ADMIN["role"] and before["is_active"]
        if was_admin and transaction.execute(self._count_admins, ACTIVE_ADMIN).fetchone()[0] == 0:
            raise Conflict("The last active admin can't be removed, disabled or demoted.", code="last_admin")


def _one_of_its_name(transaction: Transaction, user_id: int, username: str) -> None:
    """Nobody passes for somebody else by a capital letter."""
    for other_id, other in transaction.execute(ALIKE_SQL, {"name": plain_name(username)}):
        if other_id != user_id:
            message = f"somebody is called {other!r} already; names that differ only by capital letters count as one"
            raise Conflict(f"username: {message}.", fields={"username": FieldError("not_unique", message)})


class SessionBehaviour(Behaviour):
    """Bounds how often one person may be signed in: all sessions share one space, and nobody fills it for others."""

    def __init__(self) -> None:
        self._surplus = delete_surplus_sql()

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if verb == "create" and row is not None:
            transaction.execute(self._surplus, {"owner_id": row["owner_id"], "most": MOST_SESSIONS, "all": -1})


class PreferenceBehaviour(Behaviour):
    """Bounds how many a person has: they are kept on a full disk too. The one that the server goes by is looked at."""

    def __init__(self) -> None:
        self._count = count_of_person_sql()

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is not None and row["key"] == PREFERENCE and row["value"] is not None:
            zone_named(row["value"], "value")
        if verb != "create" or row is None:
            return
        if transaction.execute(self._count, {"owner_id": row["owner_id"]}).fetchone()[0] > MOST_PREFERENCES:
            message = f"{MOST_PREFERENCES} preferences are the most that a person has. Delete some."
            raise Conflict(message, code="too_many_preferences")


class ApiTokenBehaviour(Behaviour):
    """Makes the secret, keeps its hash, tells it once."""

    importable = False

    def __init__(self, records: Records) -> None:
        self._records = records
        self._registry = records.registry
        self._policy = records.policy

    async def prepare(self, actor: Actor, columns: dict[str, Any], *, record_id: int | None) -> Prepared:
        if record_id is not None:
            return Prepared(columns)
        scopes = orjson.loads(columns.get("scopes", '["api","mcp"]'))
        unknown = [scope for scope in scopes if not self._is_scope(actor, scope)]
        if unknown or not scopes:
            message = (
                f"one or more of {', '.join(SCOPES)}, api:MODEL, api:read:MODEL, mcp:SERVER, mcp:SERVER:TOOL are wanted"
            )
            raise ValidationFailed(f"scopes: {message}", fields={"scopes": FieldError("unknown_scope", message)})
        if (expires := columns.get("expires_at")) is not None and expires <= now_text():
            raise ValidationFailed.of("expires_at", "out_of_range", "a moment in the future is wanted")
        if actor.is_app:
            raise Forbidden("An app that was let in by OAuth can't make tokens, which would outlast its permission.")
        if actor.kind == "token" and not all(_hands_on(actor, scope) for scope in scopes):
            message = "a token can't make one that may do more than itself"
            raise ValidationFailed(f"scopes: {message}", fields={"scopes": FieldError("scope_too_wide", message)})
        await require_unruled_credential(self._records, actor)
        token = new_token(API_TOKEN_PREFIX)
        made = {**columns, "token_hash": token_hash(token), "prefix": token[:SHOWN_PREFIX_LENGTH]}
        return Prepared(made, told_once={"token": token})

    def settle(self, transaction: Transaction, verb: WriteVerb, record_id: int, row: Mapping[str, Any] | None) -> None:
        if row is not None and row["owner_id"] is None:
            raise ValidationFailed.of("owner_id", "required", "a token belongs to a person; name one")

    def _is_scope(self, actor: Actor, scope: str) -> bool:
        if scope in SCOPES or TOOL_SCOPE.fullmatch(scope):
            return True
        named = MODEL_SCOPE.fullmatch(scope)
        if named is None:
            return False
        # A model that they may not know of answers like one that does not exist.
        return named[2] in self._registry and bool(self._policy.known_fields(actor, self._registry.get(named[2])))


def _hands_on(actor: Actor, scope: str) -> bool:
    """Whether a token of `actor`'s may make one with `scope`."""
    tools = TOOL_SCOPE.fullmatch(scope)
    if tools is not None:
        # The scope of one tool is narrower than that of its server.
        return actor.covers_tool(tools[1], tools[2]) if tools[2] else not actor.scopes.isdisjoint(("mcp", scope))
    named = None if scope in SCOPES else MODEL_SCOPE.fullmatch(scope)
    if named is None:
        return actor.has_scope(cast(Scope, scope))
    return actor.covers("read" if named[1] else "update", named[2])
