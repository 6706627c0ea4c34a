"""What is known of one configured MCP server: a frozen copy of its row, without the secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from server.access.actor import Actor
from server.errors import Conflict
from server.mcp_gateway.catalogue.pinning import pinned_version
from server.mcp_gateway.policy.rule import Served
from server.mcp_gateway.upstreams.programs import installs
from server.models.mcp_server import header_problem

if TYPE_CHECKING:
    import httpx2


_IDENTITY = ("transport", "command", "args", "cwd", "url")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The public part of an `mcp_servers` row."""

    id: int
    name: str
    transport: str
    enabled: bool
    visibility: str
    updated_at: str
    signs_in_each: bool = False
    """Whether everybody has a sign-in, and so a connection, of their own."""
    person: int | None = None
    """Whose connection this is, None for everybody's."""
    installs: bool = False
    """Whether its first start may have to fetch the program."""
    pinned: str | None = None
    """The exact version of its package, where the record names one."""
    owner: int | None = None
    """The person who made it for themselves; None for one of the admins'."""
    rate_per_minute: float | None = None
    rate_burst: int | None = None
    """Calls of one person, in place of what the settings say for all servers."""
    plugin: str | None = None
    """The plugin that brings it."""
    identity: str = ""
    """What it runs or where it is: what an approval of its tools is good for."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ServerConfig:
        """From a row as `Records` gives it."""
        command, args = str(row.get("command") or ""), tuple(row.get("args") or ())
        return cls(
            id=int(row["id"]),
            name=str(row["name"]),
            transport=str(row["transport"]),
            enabled=bool(row["enabled"]),
            visibility=str(row["visibility"]),
            updated_at=str(row.get("updated_at", "")),
            signs_in_each=row["transport"] != "stdio"
            and (row.get("sign_in") == "each" or row.get("person_id") is not None),
            owner=row.get("person_id"),
            installs=installs(command, args),
            pinned=pinned_version(command, args) if row["transport"] == "stdio" else None,
            rate_per_minute=row.get("rate_per_minute"),
            rate_burst=row.get("rate_burst"),
            plugin=row.get("plugin"),
            identity=orjson.dumps([row.get(name) for name in _IDENTITY]).decode(),
        )

    def served(self, actor: Actor) -> Served:
        """What the policy wants to know of it; whether `actor` may use it is decided there."""
        if self.owner is not None:
            shown = actor.user_id == self.owner and actor.role in ("admin", "member")
        else:
            shown = actor.role == "admin" or (self.visibility == "everyone" and actor.user_id is not None)
        return _served(self.name, self.id, self.enabled and shown, self.owner is not None)


@lru_cache(1024)
def _served(name: str, server_id: int, shown: bool, owned: bool) -> Served:
    # Asked for several times on the way of every call.
    return Served(name, server_id, shown, owned=owned)


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """All that is needed to reach the server, secrets included. Lives only as long as the connection."""

    name: str
    transport: str
    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str | None
    url: str
    headers: Mapping[str, str]
    auth: httpx2.Auth | None = None
    """Gives each request its token, for a server that somebody has signed in to."""
    public_only: bool = False
    """It may lie nowhere but on the public Internet, and is reached by https."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> LaunchSpec:
        """From a row with its write-only fields."""
        return cls(
            name=str(row["name"]),
            transport=str(row["transport"]),
            command=str(row.get("command") or ""),
            args=tuple(str(value) for value in row.get("args") or ()),
            env={str(key): str(value) for key, value in (row.get("env") or {}).items()},
            cwd=str(row["cwd"]) if row.get("cwd") else None,
            url=str(row.get("url") or ""),
            headers={str(key): str(value) for key, value in (row.get("headers") or {}).items()},
        )

    def sendable(self) -> LaunchSpec:
        """The same without the space that was copied along with a header. Raises Conflict for what can't be sent."""
        headers = {name: value.strip() for name, value in self.headers.items()}
        if (problem := header_problem(headers)) is not None:
            raise Conflict(f"Its headers can't be sent: {problem}. Set it anew.", code="header_cant_be_sent")
        return replace(self, headers=headers)
