"""The person whom an admin asks about, in each of the ways in which they may call a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.access.actor import SYSTEM, Actor
from server.errors import Forbidden, NotFound
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.policy.rule import Served
from server.mcp_gateway.policy.tool_policy import ToolPolicy
from server.records.service import Records


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """`ways`: signed in (`person`), by any program of theirs (`program`), and with one of their tokens (`token`)."""

    row: Mapping[str, Any]
    ways: Mapping[str, Actor]
    token: Mapping[str, Any] | None

    @property
    def session(self) -> Actor:
        return self.ways["person"]

    def obstacles(self) -> list[dict[str, Any]]:
        """What of the person would refuse a call although it is allowed."""
        return [] if self.row["is_active"] else [{"code": "person_disabled", "message": "The person is disabled."}]

    def answer(
        self,
        server: dict[str, Any],
        tool: dict[str, Any],
        verdicts: Mapping[str, dict[str, Any]],
        obstacles: list[dict[str, Any]],
    ) -> dict[str, Any]:
        """All of it, as the admin gets it."""
        row = self.row
        answer: dict[str, Any] = {
            "server": server,
            "tool": tool,
            "user": {"id": row["id"], "username": row["username"], "role": row["role"]},
            **verdicts,
            "obstacles": obstacles,
        }
        if self.token is not None:
            answer["token"] = {"id": self.token["id"], "name": self.token["name"], **verdicts["token"]}
        return answer


async def asked_person(records: Records, admin: Actor, user_id: int, token_id: int | None) -> AskedPerson:
    """Raises Forbidden for all but admins, NotFound (person, or a token that is not theirs)."""
    if not admin.is_admin:
        raise Forbidden("Only admins may ask what others may do.")
    person = await records.get(SYSTEM, "users", user_id)
    session = Actor("user", user_id, person["username"], person["role"])
    program = replace(session, kind="token")
    ways, token = {"person": session, "program": program}, None
    if token_id is not None:
        token = await records.get(SYSTEM, "api_tokens", token_id)
        if token["owner_id"] != user_id:
            raise NotFound(f"{person['username']} has no API token {token_id}.")
        ways["token"] = replace(program, credential_id=token_id, scopes=frozenset(token["scopes"]))
    return AskedPerson(person, ways, token)


def told_verdict(policy: ToolPolicy, about: Actor, served: Served, tool: Tool) -> dict[str, Any]:
    """What the policy says of a call, why, and every rule that has a say."""
    verdict = policy.verdict(about, served, tool)
    # Who calls with a session is not asked.
    effect = "allow" if verdict.effect == "ask" and about.kind == "user" else verdict.effect
    rules = policy.rules_about(about, served, tool)
    return {
        "effect": effect,
        "because": verdict.because,
        "rule_id": verdict.rule_id,
        "rules": [{"id": rule.rule_id, "subject": rule.subject, "effect": rule.effect} for rule in rules],
    }
