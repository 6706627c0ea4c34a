"""The catalogue: what all servers were last seen to offer, on disk and in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from server.access.actor import SYSTEM
from server.config import SettingsHolder
from server.errors import GridBearError
from server.events.bus import Bus, RecordChanged
from server.mcp_gateway.catalogue.behaviour import McpToolBehaviour
from server.mcp_gateway.catalogue.instructions import KEY as INSTRUCTIONS
from server.mcp_gateway.catalogue.instructions import listed_instructions
from server.mcp_gateway.catalogue.known_tool import KnownTool, Listed
from server.mcp_gateway.catalogue.learning import Change, Source, learn
from server.mcp_gateway.catalogue.offer_store import OfferStore
from server.mcp_gateway.catalogue.tool_set import ToolSet
from server.mcp_gateway.catalogue.whole_writes import WholeWrites
from server.mcp_gateway.upstreams.config import ServerConfig
from server.records.notify import notify
from server.records.service import Records
from server.records.times import from_text, to_text
from server.records.work import Work

_log = logging.getLogger(__name__)

MODEL = "mcp_tools"
_MOST_NAMED = 20
_VERSION_LENGTH = 200
_NOTHING: Mapping[str, KnownTool] = {}


class ToolCatalogue:
    """Keeps the rows of `mcp_tools`. Which of them a connection offers is decided here, for lists and calls alike."""

    def __init__(self, records: Records, settings: SettingsHolder, bus: Bus) -> None:
        self._records = records
        self._settings = settings
        self._known: dict[int, dict[str, KnownTool]] = {}
        self._learning = asyncio.Lock()
        self._telling = asyncio.Lock()
        self._whole = WholeWrites()
        self._listeners: list[Callable[[int], None]] = []
        self._stale: set[int] = set()
        self.offers = OfferStore(records, bus)
        """What they have beside tools."""
        records.behave(MODEL, McpToolBehaviour())
        self._deaf: Callable[[], None] = bus.subscribe(self._changed, (MODEL,))

    def load(self) -> None:
        """Put what is stored in force."""
        self._stale.clear()
        self.offers.load()
        self._known = {}
        for row in sorted(self._records.all_now(SYSTEM, MODEL), key=lambda row: int(row["id"])):
            tool = KnownTool.of(row)
            self._known.setdefault(tool.server_id, {})[tool.key] = tool

    async def stop(self) -> None:
        """Keep what is on its way, and hear of changes no longer."""
        await self._whole.settle()
        await self.offers.settle()
        self._deaf()
        self.offers.stop()

    def on_changed(self, listener: Callable[[int], None]) -> None:
        """Call `listener` with the id of a server of whose tools something changed here."""
        self._listeners.append(listener)

    def of(self, server_id: int) -> Mapping[str, KnownTool]:
        """What is known of a server's tools, gone ones included; another mapping after each change."""
        self._catch_up()
        return self._known.get(server_id, _NOTHING)

    @property
    def asks(self) -> bool:
        """Whether new and changed tools wait for an admin."""
        return self._settings.current.mcp_tool_approval

    @property
    def ttl(self) -> timedelta:
        """After this a list is asked for again."""
        return timedelta(hours=self._settings.current.mcp_tools_ttl_hours)

    def restored(self, config: ServerConfig) -> tuple[Listed, ...] | None:
        """The last list of a server as its record is now; None when it must be asked.

        Where everybody signs in for themselves, nobody gets a list that was made for somebody else.
        """
        here = [tool for tool in self.of(config.id).values() if tool.state != "gone"]
        if not here or config.signs_in_each or any(tool.listed_for != config.updated_at for tool in here):
            return None
        return tuple(tool.listed() for tool in here)

    def age(self, config: ServerConfig) -> float:
        """Seconds since the list that `restored` gives."""
        seen = min((tool.seen_at for tool in self.of(config.id).values() if tool.state != "gone"), default=None)
        return 0.0 if seen is None else (datetime.now(UTC) - from_text(seen)).total_seconds()

    async def learned(
        self,
        config: ServerConfig,
        raw: Sequence[Mapping[str, Any]],
        version: str | None,
        instructions: str | None,
        *,
        again: bool,
    ) -> tuple[tuple[Listed, ...], list[str]]:
        """Remember a list. `version`: of the program, as it says itself; `again`: this connection has listed before.

        Returns it without what can't be offered and with the server's `instructions`, and the names of what waits for
        an admin since now.
        """
        told = "".join(sign for sign in version or "" if sign.isprintable())[:_VERSION_LENGTH]
        bound = config.pinned or (told if config.transport == "stdio" else "") or None
        listed = await asyncio.to_thread(_read, config.name, raw, bound)
        if (words := listed_instructions(instructions, bound)) is not None:
            listed = (*listed, words)
        # What it offers beside tools is kept after each list, also after one without tools.
        again = again or self.offers.of(config) is not None
        source = Source(config.id, config.name, config.pinned, config.updated_at, config.signs_in_each, again)
        changes = await self._whole(self._learn(source, listed))
        return listed, sorted(change.key for change in changes if change.waits)

    async def _learn(self, source: Source, listed: Sequence[Listed]) -> list[Change]:
        now = datetime.now(UTC)
        async with self._learning:
            stale = to_text(now - self.ttl / 2)
            changes = learn(source, self.of(source.server_id), listed, asks=self.asks, now=to_text(now), stale=stale)
            try:
                if changes:
                    await self._write(source.server_id, changes)
            except GridBearError as error:
                _log.warning("The tools of MCP server %s could not be remembered: %s", source.server, error.message)
        return changes

    async def tell(self, config: ServerConfig, waiting: Sequence[str]) -> None:
        """Notify every admin of tools that wait, or the owner of the server; not while that is still unread."""
        who = "an admin has" if config.owner is None else "you have"
        shown = ["its instructions" if key == INSTRUCTIONS else key for key in waiting[:_MOST_NAMED]]
        names = ", ".join(shown) + (f" and {len(waiting) - _MOST_NAMED} more" if waiting[_MOST_NAMED:] else "")
        what = "Instructions" if list(waiting) == [INSTRUCTIONS] else "Tools"
        values = {
            "title": f"{what} of {config.name} wait for your approval",
            "message": f"New or changed: {names}. Nobody can see or call them until {who} looked at them.",
            "severity": "warning",
            "category": "mcp",
            "source": "gateway",
            "action_url": f"#/tools/{config.id}?view=manage",
        }
        told = {name: values[name] for name in ("source", "title", "message")}
        try:
            # One after the other: two connections of a server may see the same at once.
            async with self._telling:
                if await self._records.find(SYSTEM, "notifications", where={**told, "is_read": False}):
                    return
                if config.owner is None:
                    await notify(self._records, values, audience="admins")
                else:
                    await self._records.create(SYSTEM, "notifications", {**values, "owner_id": config.owner})
        except GridBearError as error:
            _log.warning("Nobody could be told of tools of MCP server %s: %s", config.name, error.message)

    def offered(self, config: ServerConfig, listed: Sequence[Listed]) -> ToolSet:
        """What of a list is offered now."""
        return ToolSet(config.name, listed, self.of(config.id), asks=self.asks)

    def _changed(self, event: RecordChanged) -> None:
        # A server that is deleted takes hundreds of rows along: they are one change.
        if not self._stale:
            asyncio.get_running_loop().call_soon(self._catch_up)
        self._stale.add(event.record_id)

    def _catch_up(self) -> None:
        """Look at the rows that have changed; each server of one gets another mapping."""
        if not self._stale:
            return
        ids, self._stale = self._stale, set()
        changed: dict[int, dict[str, KnownTool]] = {}
        for server_id, tools in self._known.items():
            if any(tool.id in ids for tool in tools.values()):
                changed[server_id] = dict(tools)
        for record_id in sorted(ids):
            row = self._records.look_up(SYSTEM, MODEL, "id", record_id)
            if row is not None:
                tool = KnownTool.of(row)
                changed.setdefault(tool.server_id, dict(self._known.get(tool.server_id, {})))[tool.key] = tool
                ids.discard(record_id)
        for server_id, tools in changed.items():
            left = [tool for tool in tools.values() if tool.id not in ids]
            self._known[server_id] = {tool.key: tool for tool in sorted(left, key=lambda tool: tool.id)}
        for server_id in changed:
            for listener in self._listeners:
                listener(server_id)

    async def _write(self, server_id: int, changes: Sequence[Change]) -> None:
        def write(work: Work, _: list[Any]) -> list[int]:
            spec = self._records.registry.get(MODEL)
            may = self._records.policy.permission(SYSTEM, spec, "update")
            for change in changes:
                if change.columns is None:
                    if change.id is not None:
                        work.erase(MODEL, change.id)
                elif change.id is None:
                    stamps = {"server_id": server_id, "created_at": work.now, "updated_at": work.now}
                    work.insert(MODEL, {**work.prepared(MODEL).defaults, **stamps, **change.columns}, ("id",))
                else:
                    work.change(MODEL, change.id, change.columns, may, ("id",))
            # One of them says that there is something new: a list of hundreds is one change.
            touched = [event.record_id for event in work.events]
            del work.events[:-1]
            return touched

        touched = await self._records.work(SYSTEM, write, (MODEL,), always=True)
        self._stale.update(touched)
        self._catch_up()


def _read(server: str, raw: Sequence[Mapping[str, Any]], version: str | None) -> tuple[Listed, ...]:
    found: dict[str, Listed] = {}
    for definition in raw:
        tool = Listed.of(definition, version)
        if isinstance(tool, str):
            _log.warning("MCP server %s: left out: %s", server, tool)
        elif tool.key == INSTRUCTIONS:
            _log.warning("MCP server %s: left out: a tool named %s, as its instructions are", server, tool.key)
        elif found.setdefault(tool.key, tool) is not tool:
            _log.warning("MCP server %s has two tools named %s; the first is kept", server, tool.key)
    return tuple(found.values())
