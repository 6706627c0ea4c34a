"""A call that a rule wants to be approved: who asks for what, and what an approval of it is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.access.actor import Actor
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.definition import definition_hash
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.policy.rule import Served


@dataclass(frozen=True, slots=True)
class AskedCall:
    """One call by a program of `actor`'s."""

    caller: Caller
    server: Served
    identity: str
    """What the server runs or where it is: another one under its name has another."""
    tool: Tool
    """Or what stands for a prompt or a resource (`thing`)."""
    arguments: dict[str, Any] | None

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.caller.actor

    @property
    def asks(self) -> dict[str, Any]:
        """The columns that say who asks for which tool of which server: an approval of it has the same."""
        return {
            "owner_id": self.actor.user_id,
            "through": self.through,
            "token_id": self.token_id,
            "app_id": self.app_id,
            "server_id": self.server.server_id,
            "server": self.server.name,
            "tool": self.tool_key,
        }

    @property
    def definition_hash(self) -> str:
        """Of all that the tool is: its server, its schemas, what it says of itself, the version of its package."""
        version = self.tool.version
        return _hash([self.identity, self.tool.definition_hash, *(() if version is None else (version,))])

    @property
    def arguments_hash(self) -> str:
        """Of the very arguments."""
        return _hash(self.arguments or {})

    @property
    def through(self) -> str:
        """How it came; of two schedules each is a program of its own."""
        actor = self.actor
        return f"schedule {actor.credential_id}"[:20] if actor.kind == "schedule" else actor.kind

    @property
    def token_id(self) -> int | None:
        """The API token that it comes with."""
        return self.actor.credential_id if self.actor.kind == "token" and not self.actor.is_app else None

    @property
    def app_id(self) -> int | None:
        """The permission of the app that it comes from."""
        return self.actor.credential_id if self.actor.is_app else None

    @property
    def tool_key(self) -> str:
        """The tool's name in a form that can be stored."""
        name = self.tool.name.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
        return name if len(name) <= 200 else f"{name[:135]}…{_hash(self.tool.name)}"


def thing(
    server: str, method: str, name: str, definition: Mapping[str, Any] | None, version: str | None = None
) -> Tool:
    """A prompt or resource of a server in place of a tool: `prompts/get greet`, as its server listed it.

    `version`: of the plugin that has it.
    """
    key, told = f"{method} {name}", definition or {"name": name}
    return Tool(server, key, key, f"{server}: {key}", told, definition_hash(told), version)


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
