"""Texts of this program's own servers for AI clients: each is a prompt, and a resource of Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from server.access.actor import Actor
from server.mcp_gateway.hosted import served_by
from server.mcp_gateway.policy.tool_policy import ToolPolicy

_MARKDOWN = "text/markdown"


class OwnText(NamedTuple):
    """One text, as its server has it."""

    server: str
    name: str
    title: str
    description: str
    text: str
    version: str
    """Of the plugin that has it."""

    @property
    def uri(self) -> str:
        return f"skill://{self.server}/{self.name}"

    def listed(self, kind: str) -> dict[str, Any]:
        """As an item of the list of `prompts` or `resources`."""
        about: dict[str, Any] = {"name": self.name, "title": self.title}
        if self.description:
            about["description"] = self.description
        if kind == "prompts":
            return about
        return {"uri": self.uri, **about, "mimeType": _MARKDOWN, "size": len(self.text.encode())}

    def as_prompt(self) -> dict[str, Any]:
        """The result of prompts/get."""
        content = {"type": "text", "text": self.text}
        return {"description": self.description or self.title, "messages": [{"role": "user", "content": content}]}

    def as_resource(self) -> dict[str, Any]:
        """The result of resources/read."""
        return {"contents": [{"uri": self.uri, "mimeType": _MARKDOWN, "text": self.text}]}


class OwnTexts:
    """Asks the policy each time, as for prompts and resources of others."""

    def __init__(self, policy: ToolPolicy) -> None:
        self._policy = policy
        self._of_server: dict[str, Sequence[OwnText]] = {}

    def put(self, server: str, texts: Sequence[OwnText]) -> None:
        """These are offered from now on; none: the server has no more."""
        self._of_server.pop(server, None)
        if texts:
            self._of_server[server] = texts

    def of(self, actor: Actor, server: str | None) -> list[OwnText]:
        """Those of one server, or of all by their names, that `actor` may read."""
        if not actor.is_signed_in:
            return []
        return [
            text
            for name in sorted(self._of_server)
            if server in (None, name) and self._policy.reaches_whole(actor, served_by(name))
            for text in self._of_server[name]
        ]
