"""The Actor: who a request acts for. Every door makes one, every row access wants one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from server.models.base import Verb

Role = Literal["admin", "member", "guest"]
ActorKind = Literal["anonymous", "user", "token", "schedule", "internal", "owner", "system"]
Scope = Literal["api", "api:read", "mcp", "metrics"]
ToolLimit = Literal["read_only", "not_destructive"]
"""What a client left out by the address that it came to: all tools but those that say they only read, or all that may
destroy something."""

ROLES: tuple[Role, ...] = ("admin", "member", "guest")
SCOPES: tuple[Scope, ...] = ("api", "api:read", "mcp", "metrics")
_INCLUDED_IN = {"api:read": ("api:read", "api"), "metrics": ("metrics", "api:read", "api")}
ALL_SCOPES: frozenset[str] = frozenset(SCOPES)
READING: frozenset[Verb] = frozenset(("list", "read"))
MODEL_SCOPE = re.compile(r"api:(?:(read):)?([a-z][a-z0-9_]*)")
"""Of a token that reaches one model alone: `api:notes`, or `api:read:notes` to read only."""
TOOL_SCOPE = re.compile(r"mcp:([a-z0-9][a-z0-9-]{0,31})(?::([^\s:*]{1,128}))?")
"""Of a token that reaches the tools of one server alone, `mcp:time`, or one tool of it, `mcp:time:get_time`."""
MUST_ENROL: frozenset[str] = frozenset(("enrol",))
"""Of a session whose role needs a second factor that its person does not have yet: good for setting one up."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One caller, already authenticated.

    `user`: a person with a session; `token`: a personal API token of a person; `schedule`: a schedule of a person,
    which any of their programs may have made; `internal`: the holder of the
    internal API secret; `owner`: the command line or tray of this machine, by control token, loopback only;
    `system`: the program itself; `anonymous`: nobody.
    """

    kind: ActorKind
    user_id: int | None = None
    username: str = ""
    role: Role | None = None
    scopes: frozenset[str] = ALL_SCOPES
    credential_id: int | None = None
    """Row id of the session, token or schedule that was used."""
    resource: str | None = None
    """Of an app that a person let in by OAuth: the one address that its tools are called at."""
    tool_limits: frozenset[ToolLimit] = frozenset()
    """What its client does not want to reach, on top of all that decides otherwise."""

    @property
    def is_admin(self) -> bool:
        """Admins, the machine's owner and the program itself pass every rule; an app never administers."""
        return self.role == "admin" and not self.is_app

    @property
    def is_signed_in(self) -> bool:
        return self.kind != "anonymous"

    @property
    def is_app(self) -> bool:
        """Whether a program acts that a person let in by OAuth."""
        return self.resource is not None

    @property
    def must_enrol(self) -> bool:
        """Whether all that is allowed is to set up a second factor."""
        return self.scopes == MUST_ENROL

    def has_scope(self, scope: Scope) -> bool:
        """Whether the credential covers `scope` (`api` includes `api:read`, and that `metrics`)."""
        return not self.scopes.isdisjoint(_INCLUDED_IN.get(scope, (scope,)))

    def covers(self, verb: Verb, model: str) -> bool:
        """Whether the credential is good for `verb` on the records of `model`; what its person may is another thing."""
        reads = verb in READING
        return (
            self.has_scope("api:read" if reads else "api")
            or f"api:{model}" in self.scopes
            or (reads and f"api:read:{model}" in self.scopes)
        )

    @property
    def reaches_tools(self) -> bool:
        """Whether the credential is good for any tools at all."""
        return self.has_scope("mcp") or any(TOOL_SCOPE.fullmatch(scope) for scope in self.scopes)

    def covers_server(self, server: str) -> bool:
        """Whether the credential is good for any tool of an MCP server."""
        if self.has_scope("mcp") or f"mcp:{server}" in self.scopes:
            return True
        return any(scope.startswith(f"mcp:{server}:") for scope in self.scopes)

    def covers_tool(self, server: str, tool: str) -> bool:
        """Whether the credential is good for a tool by this name."""
        return not self.scopes.isdisjoint(("mcp", f"mcp:{server}", f"mcp:{server}:{tool}"))

    @property
    def reaches_records(self) -> bool:
        """Whether the credential is good for any records at all."""
        return self.has_scope("api:read") or any(MODEL_SCOPE.fullmatch(scope) for scope in self.scopes)


ANONYMOUS = Actor(kind="anonymous", scopes=frozenset())
SYSTEM = Actor(kind="system", username="system", role="admin")
OWNER = Actor(kind="owner", username="owner", role="admin")
INTERNAL = Actor(kind="internal", username="internal", role=None, scopes=frozenset())
