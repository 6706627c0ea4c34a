"""What a new list of a server changes in what is known of its tools, and which of them wait for an admin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.mcp_gateway.catalogue.known_tool import Approval, KnownTool, Listed
from server.mcp_gateway.catalogue.names import free_name, is_accepted

MOST_APPROVALS = 100
"""Of one tool: where everybody signs in for themselves, each may see another definition."""
MOST_TOOLS = 5_000
"""Of one server, gone ones included."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row to be changed, made (`id` None) or forgotten (`columns` None).

    `waits`: there is something in it that no admin knows of.
    """

    id: int | None
    key: str
    columns: dict[str, Any] | None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where a list comes from."""

    server_id: int
    server: str
    pinned: str | None
    """The exact version that the server's record names."""
    listed_for: str
    """Of which state of that record."""
    of_one_person: bool
    """Others may have other tools: what is missing here is not gone."""
    again: bool = False
    """The server, as its record is now, has listed before: perhaps nothing."""


def learn(
    source: Source, known: Mapping[str, KnownTool], listed: Sequence[Listed], *, asks: bool, now: str, stale: str
) -> list[Change]:
    """The changes of rows. `asks`: new and changed tools wait; `stale`: what was seen before that is marked as seen."""
    # Whoever adds a server says yes to what it offers then, be it nothing; the same exact version can't become another.
    first = not known and (source.pinned is not None or not source.again)
    trusted = not asks or first or _is_as_approved(source, known)
    taken = {name for tool in known.values() for name in (tool.offered_as, tool.alias) if name}
    changes: list[Change] = []
    named = {tool.key: tool.offered_as for tool in known.values()}
    fresh = [tool for tool in listed if tool.key not in known]
    forgotten = _too_old(known, {tool.key for tool in listed}, len(fresh))
    fresh = fresh[: MOST_TOOLS - len(known) + len(forgotten)]
    # Those that have good names keep them, whoever else would like to be called so.
    for tool in sorted(fresh, key=lambda tool: (not is_accepted(tool.name), tool.key)):
        named[tool.key] = free_name(source.server, tool.name, taken)
        taken.add(named[tool.key])
    for tool in fresh:
        columns = {"name": tool.key, "offered_as": named[tool.key], "first_seen_at": now, "changed_at": now}
        columns |= {**_definition(tool), **_seen(source, now), "state": "approved" if trusted else "new"}
        if trusted:
            columns |= _approved((), tool.approval, tool.text)
        changes.append(Change(None, tool.key, columns, waits=not trusted))
    for tool in listed:
        before = known.get(tool.key)
        if before is not None and (change := _changed(source, before, tool, trusted, now, stale)) is not None:
            changes.append(change)
    if not source.of_one_person:
        here = {tool.key for tool in listed}
        gone = [tool for tool in known.values() if tool.key not in here and tool.state != "gone"]
        changes += [Change(tool.id, tool.key, {"state": "gone"}) for tool in gone]
    return [*(Change(tool.id, tool.key, None) for tool in forgotten), *changes]


def _too_old(known: Mapping[str, KnownTool], here: Collection[str], wanted: int) -> list[KnownTool]:
    """Rows of tools that were not listed for longest, where a server has so many that new ones have no room."""
    gone = [tool for tool in known.values() if tool.key not in here and tool.state == "gone" and not tool.is_set]
    many = max(0, len(known) + wanted - MOST_TOOLS)
    return sorted(gone, key=lambda tool: tool.seen_at)[:many]


def approved_now(tool: KnownTool) -> dict[str, Any]:
    """The columns of a tool that an admin approves as it is."""
    text = orjson.dumps(tool.definition).decode()
    return {"state": "approved", **_approved(tool.approvals, (tool.definition_hash, tool.version), text)}


def _changed(source: Source, before: KnownTool, tool: Listed, trusted: bool, now: str, stale: str) -> Change | None:
    approval, approvals = tool.approval, before.approvals
    carried = source.pinned is not None and any(tool.definition_hash == one for one, _ in approvals)
    is_approved = approval in approvals
    if source.of_one_person and before.waits and is_approved:
        # Somebody else's definition waits: it stays before the admin's eyes.
        return None
    columns: dict[str, Any] = {}
    is_other = (before.definition_hash, before.version) != approval
    if is_other:
        columns |= {**_definition(tool), "changed_at": now}
    if is_approved or trusted or carried:
        state = "approved"
        if not is_approved:
            columns |= _approved(approvals, approval, tool.text)
    else:
        state = "changed" if approvals else "new"
    if state != before.state:
        columns["state"] = state
    if columns or before.seen_at < stale or before.listed_for != source.listed_for:
        return Change(before.id, tool.key, {**columns, **_seen(source, now)}, is_other and state != "approved")
    return None


def _is_as_approved(source: Source, known: Mapping[str, KnownTool]) -> bool:
    here = [tool for tool in known.values() if tool.state != "gone"]
    return (
        source.pinned is not None
        and bool(here)
        and all(tool.state == "approved" and (tool.definition_hash, source.pinned) in tool.approvals for tool in here)
    )


def _definition(tool: Listed) -> dict[str, Any]:
    return {"definition": tool.text, "definition_hash": tool.definition_hash, "version": tool.version}


def _seen(source: Source, now: str) -> dict[str, Any]:
    return {"seen_at": now, "listed_for": source.listed_for}


def _approved(approvals: tuple[Approval, ...], one: Approval, text: str) -> dict[str, Any]:
    kept = [*(other for other in approvals if other != one), one][-MOST_APPROVALS:]
    told = [{"definition_hash": definition, "version": version} for definition, version in kept]
    return {"approvals": orjson.dumps(told).decode(), "approved_definition": text}
