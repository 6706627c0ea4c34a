"""Deeds that no rule about records decides: who is let through, and what the others are told."""

from __future__ import annotations

import pytest

from server.access.actor import ANONYMOUS, SYSTEM, Actor
from server.access.demands import demand_admin, demand_scope
from server.errors import Forbidden

ADMIN = Actor("user", 1, "maja", "admin")
READER = Actor("token", 1, "maja", "admin", frozenset(("api:read",)))
MEMBER = Actor("user", 2, "otto", "member")
APP = Actor("token", 1, "maja", "admin", resource="http://127.0.0.1/mcp")
REASON = "Only admins paint the den."


@pytest.mark.parametrize("actor", [ADMIN, SYSTEM])
def test_an_admin_whose_credential_may_write_passes(actor: Actor) -> None:
    assert demand_admin(actor, REASON) is actor


@pytest.mark.parametrize("actor", [MEMBER, APP, ANONYMOUS])
def test_whoever_is_no_admin_is_told_the_reason(actor: Actor) -> None:
    with pytest.raises(Forbidden, match=REASON):
        demand_admin(actor, REASON)


def test_an_admin_who_may_only_read_here_is_told_what_is_missing() -> None:
    assert demand_admin(READER, REASON, "api:read") is READER
    with pytest.raises(Forbidden, match="may only read; use one with the scope api") as told:
        demand_admin(READER, REASON)
    assert REASON not in told.value.message


def test_a_credential_for_something_else_is_told_the_scope() -> None:
    with pytest.raises(Forbidden, match="it has no scope api"):
        demand_scope(Actor("token", 2, "otto", "member", frozenset(("mcp",))))
