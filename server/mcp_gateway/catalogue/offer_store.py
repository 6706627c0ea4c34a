"""What servers offer beside tools, on disk and in memory: their capabilities, prompts and resources as last seen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.access.actor import SYSTEM
from server.errors import GridBearError
from server.events.bus import Bus, RecordChanged
from server.mcp_gateway.catalogue.whole_writes import WholeWrites
from server.mcp_gateway.upstreams.config import ServerConfig
from server.records.service import Records

_log = logging.getLogger(__name__)

MODEL = "mcp_offers"
LISTS = ("prompts", "resources", "templates")
_MOST_BYTES = 262_144
"""A list beyond this is not kept: it is asked for after each start."""

Items = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class KnownOffer:
    """`lists` has those that were listed."""

    capabilities: frozenset[str]
    lists: Mapping[str, Items]


class OfferStore:
    """All methods run on the event loop."""

    def __init__(self, records: Records, bus: Bus) -> None:
        self._records = records
        self._rows: dict[int, Mapping[str, Any]] = {}
        self._writing = asyncio.Lock()
        self._whole = WholeWrites()
        self.settle = self._whole.settle
        self.stop: Callable[[], None] = bus.subscribe(self._changed, (MODEL,))

    def load(self) -> None:
        """Read what is stored."""
        self._rows = {int(row["server_id"]): row for row in self._records.all_now(SYSTEM, MODEL)}

    def of(self, config: ServerConfig) -> KnownOffer | None:
        """What a server, as its record is now, was last seen to offer; None when it must be asked.

        Where everybody signs in for themselves, nobody gets what was made for somebody else.
        """
        row = self._rows.get(config.id)
        if row is None or config.signs_in_each or row["listed_for"] != config.updated_at:
            return None
        lists = {name: row[name] for name in LISTS if row[name] is not None}
        return KnownOffer(frozenset(row["capabilities"]), lists)

    def asks(self, config: ServerConfig) -> bool:
        """Whether a server, as its record is now, was seen to ask its clients without saying for which call."""
        row = self._rows.get(config.id)
        return row is not None and row["listed_for"] == config.updated_at and bool(row["asks"])

    async def learned(self, config: ServerConfig, **what: Any) -> None:
        """Remember `capabilities` (a list of names), one of the lists, or that it `asks`.

        What can't be kept is no harm.
        """
        if not config.signs_in_each or what == {"asks": True}:
            await self._whole(self._keep(config, what))

    async def _keep(self, config: ServerConfig, what: dict[str, Any]) -> None:
        async with self._writing:
            row = self._rows.get(config.id)
            if row is None or row["listed_for"] != config.updated_at:
                what = {
                    **dict.fromkeys(LISTS),
                    "capabilities": [],
                    "asks": False,
                    **what,
                    "listed_for": config.updated_at,
                }
            changed = {name: value for name, value in what.items() if row is None or row[name] != value}
            if not changed or not _fits(changed):
                return
            try:
                if row is None:
                    made = {**changed, "server_id": config.id}
                    self._rows[config.id] = await self._records.create(SYSTEM, MODEL, made)
                else:
                    self._rows[config.id] = await self._records.update(SYSTEM, MODEL, row["id"], changed)
            except GridBearError as error:
                _log.debug("what MCP server %s offers could not be remembered: %s", config.name, error.message)

    def _changed(self, event: RecordChanged) -> None:
        if event.verb == "delete":
            self._rows = {key: row for key, row in self._rows.items() if row["id"] != event.record_id}


def _fits(values: Mapping[str, Any]) -> bool:
    try:
        return len(orjson.dumps(values)) <= _MOST_BYTES
    except TypeError:
        # Halves of surrogate pairs, and numbers beyond 64 bits: no file takes them.
        return False
