"""A tool as it is kept: one row of `mcp_tools`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from server.mcp_gateway.catalogue.definition import MOST_BYTES, definition_hash, key_of, seal, stored
from server.mcp_gateway.catalogue.shape import readable_tool

State = Literal["approved", "new", "changed", "gone"]
Approval = tuple[str, str | None]
"""The hash of a definition, and the version of the package that had it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool in a list that a server gave: its definition as received, and of which version of its package."""

    key: str
    """Under what it is kept."""
    name: str
    raw: Mapping[str, Any]
    definition_hash: str
    version: str | None
    text: str = ""
    """The definition as it is stored."""

    @property
    def approval(self) -> Approval:
        """What an approval of it says."""
        return self.definition_hash, self.version

    @classmethod
    def of(cls, raw: Mapping[str, Any], version: str | None) -> Listed | str:
        """The tool, or why it is none that can be offered."""
        name = raw.get("name")
        if not isinstance(name, str) or not name:
            return "a tool without a name"
        shaped = readable_tool(raw)
        if isinstance(shaped, str):
            return f"{key_of(name)}: {shaped}"
        raw = shaped
        try:
            text = stored(raw)
            found = definition_hash(raw)
        except RecursionError:
            return f"{key_of(name)}: its definition goes too deep"
        if text is None:
            return f"{key_of(name)}: its definition is larger than {MOST_BYTES} bytes"
        return cls(key_of(name), name, raw, found, version, text)


@dataclass(frozen=True, slots=True)
class KnownTool:
    """A row, as far as decisions need it."""

    id: int
    server_id: int
    key: str
    enabled: bool
    state: State
    alias: str | None
    description: str | None
    offered_as: str
    definition: Mapping[str, Any]
    definition_hash: str
    version: str | None
    approved_definition: Mapping[str, Any] | None
    approvals: tuple[Approval, ...]
    first_seen_at: str
    changed_at: str
    seen_at: str
    listed_for: str

    @property
    def own_name(self) -> str:
        """Its name at `/mcp/{server}`."""
        return self.alias or self.offered_as

    @property
    def is_set(self) -> bool:
        """Whether an admin has decided something about it that must not be lost."""
        return bool(self.alias or self.description) or not self.enabled

    @property
    def waits(self) -> bool:
        return self.state in ("new", "changed")

    @property
    def seal(self) -> str:
        """What an admin approves: this definition in this version."""
        return seal(self.definition_hash, self.version)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> KnownTool:
        """From a stored row.

        What somebody else wrote into the file counts as never listed: its server is asked for it again.
        """
        definition, approvals = row["definition"], row["approvals"]
        is_whole = isinstance(definition, dict) and isinstance(definition.get("name"), str)
        return cls(
            id=int(row["id"]),
            server_id=int(row["server_id"]),
            key=str(row["name"]),
            enabled=bool(row["enabled"]),
            state=row["state"],
            alias=row["alias"] or None,
            description=row["description"] or None,
            offered_as=str(row["offered_as"]),
            definition=definition if is_whole else {"name": row["name"]},
            definition_hash=str(row["definition_hash"]) if is_whole else "",
            version=row["version"],
            approved_definition=before if isinstance(before := row["approved_definition"], dict) else None,
            approvals=tuple(_approvals(approvals if isinstance(approvals, list) else [])),
            first_seen_at=str(row["first_seen_at"]),
            changed_at=str(row["changed_at"]),
            seen_at=str(row["seen_at"]),
            listed_for=str(row["listed_for"]) if is_whole else "",
        )

    def listed(self) -> Listed:
        """As its server listed it last."""
        name = str(self.definition.get("name"))
        return Listed(self.key, name, self.definition, self.definition_hash, self.version)


def _approvals(stored: list[Any]) -> Iterator[Approval]:
    for one in stored:
        if isinstance(one, dict) and isinstance(one.get("definition_hash"), str):
            yield one["definition_hash"], one.get("version")
