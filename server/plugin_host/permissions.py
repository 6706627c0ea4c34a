"""What a plugin may ask for, what each of it means to people, and whether anything keeps a plugin to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from server.errors import Forbidden

Permission = Literal[
    "records:read",
    "records:write",
    "notifications",
    "secrets",
    "tasks",
    "mcp_tools",
    "mcp_servers",
    "pages",
    "messages",
    "network",
    "files",
]
"""What a manifest may ask for."""


class Meaning(NamedTuple):
    """One permission, for the person who is asked."""

    meaning: str
    enforced: bool
    """Whether the server refuses it to a plugin that did not ask. Else the manifest only tells of it."""


MEANINGS: dict[Permission, Meaning] = {
    "records:read": Meaning("Read records of other models: of its callers by their rules, and changes by hooks.", True),
    "records:write": Meaning("Change records of other models, with the rights of whoever calls it.", True),
    "notifications": Meaning("Notify people.", True),
    "secrets": Meaning("Keep secrets of its own, sealed.", True),
    "tasks": Meaning("Work in the background.", True),
    "mcp_tools": Meaning("Offer tools and resources to AI clients.", True),
    "mcp_servers": Meaning(
        "Start these programs with your rights on this computer, or reach these addresses, as MCP servers.", True
    ),
    "pages": Meaning("Show pages of its own, whose code may do what whoever looks at the page may do.", True),
    "messages": Meaning("Send messages to people outside, in your name, when somebody here asks or by itself.", True),
    "network": Meaning("Use the network. Only told: nothing keeps the code of a plugin from it.", False),
    "files": Meaning("Use files of this computer. Only told: nothing keeps the code of a plugin from it.", False),
}
assert set(MEANINGS) == set(get_args(Permission))


class Permissions:
    """The permissions of one plugin."""

    def __init__(self, plugin_id: str, asked: Collection[Permission]) -> None:
        self._plugin_id = plugin_id
        self._asked = frozenset(asked)

    def need(self, permission: Permission, what: str) -> None:
        """Raise Forbidden (`permission_missing`) unless the manifest asks for it; `what` needs it."""
        if permission not in self._asked:
            raise Forbidden(
                f'the plugin {self._plugin_id} needs "permissions": ["{permission}"] in its manifest.json for {what}',
                code="permission_missing",
            )


def preview(
    asked: Collection[Permission], details: Mapping[Permission, Sequence[str]] | None = None
) -> list[dict[str, Any]]:
    """What a person is shown before they say yes. `details`: what exactly a permission is for."""
    return [
        {
            "name": name,
            "meaning": MEANINGS[name].meaning,
            "enforced": MEANINGS[name].enforced,
            "details": list((details or {}).get(name, ())),
        }
        for name in sorted(asked)
    ]
