"""One rule for tools, as it is in force: whom it is for, what it is about, what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from server.access.actor import Actor
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.policy.hints import is_of_kind
from server.models.mcp_rule import ANY_TOOL

Effect = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class Served:
    """A server as the policy sees it. `shown`: its own setting shows it to the caller."""

    name: str
    server_id: int | None
    """None for one that is part of this program."""
    shown: bool
    owned: bool = False
    """It is a person's own: no rule opens it to others."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `mcp_rules`."""

    rule_id: int
    subject: str
    who: str | int | None
    server_id: int | None
    own_server: str | None
    tool: str
    kind: str
    effect: Effect

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Rule:
        """From a row as `Records` gives it."""
        who = {"role": row["role"], "group": row["group_id"], "user": row["user_id"], "token": row["token_id"]}
        return cls(
            row["id"],
            row["subject"],
            who.get(row["subject"]),
            row["server_id"],
            row["own_server"],
            row["tool"],
            row["tools"],
            row["effect"],
        )

    def is_for(self, actor: Actor, groups: tuple[int, ...]) -> bool:
        """Whether `actor`, who is in `groups`, is meant."""
        match self.subject:
            case "everyone":
                return True
            case "programs":
                return actor.kind != "user"
            case "role":
                return actor.role == self.who
            case "group":
                return self.who in groups
            case "user":
                return actor.user_id == self.who
        return actor.kind == "token" and not actor.is_app and actor.credential_id == self.who

    def is_about(self, server: Served) -> bool:
        """Whether the server is meant."""
        if self.server_id is None and self.own_server is None:
            return True
        if server.server_id is None:
            return self.own_server == server.name
        return self.server_id == server.server_id

    def names(self, tool: Tool) -> bool:
        """Whether the tool of a server that is meant is: by its name there, or one that it is offered as.

        What is allowed of all servers is not one more tool because somebody gives that name to it.
        """
        widens = self.effect == "allow" and self.server_id is None and self.own_server is None
        names = (tool.name,) if widens else (tool.name, tool.own_name, tool.public_name)
        return (self.tool == ANY_TOOL or self.tool in names) and is_of_kind(tool.raw, self.kind)

    @property
    def is_whole(self) -> bool:
        """Whether it is about everything that a server offers."""
        return self.tool == ANY_TOOL and self.kind == "any"

    @property
    def narrowness(self) -> tuple[bool, bool, bool]:
        """Of two rules that allow and ask, the narrower one counts: the tool, then its kind, then the server."""
        return self.tool != ANY_TOOL, self.kind != "any", self.server_id is not None or self.own_server is not None
