"""What one connection offers beside tools: its prompts, resources and templates, as the server wrote them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from server.mcp_gateway.catalogue.shape import readable_item
from server.mcp_gateway.failures import CallFailed
from server.mcp_gateway.upstreams.listing import Listing
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.upstream import Upstream

Kind = Literal["prompts", "resources", "templates"]
KEYS: Mapping[Kind, str] = {"prompts": "name", "resources": "uri", "templates": "uriTemplate"}
FIELDS: Mapping[Kind, str] = {"prompts": "prompts", "resources": "resources", "templates": "resourceTemplates"}
_METHODS: Mapping[Kind, str] = {
    "prompts": "prompts/list",
    "resources": "resources/list",
    "templates": "resources/templates/list",
}
_CAPABILITIES: Mapping[Kind, str] = {"prompts": "prompts", "resources": "resources", "templates": "resources"}
_METHOD_NOT_FOUND = -32601

Item = Mapping[str, Any]


class Offers:
    """Lists of one upstream. What a server says that it tells changes of is kept until it does, else asked anew."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._known: dict[Kind, Sequence[Item]] = {
            kind: items for kind in KEYS if (items := upstream.introduction.lists.get(kind)) is not None
        }
        self._kept: dict[Kind, Session] = {}
        """The session of which a list holds."""
        self._holds_until: dict[Kind, float] = {}
        """Where the server has said how long."""

    def known(self, kind: Kind) -> Sequence[Item]:
        """As last listed."""
        return self._known.get(kind, ())

    def is_known(self, kind: Kind) -> bool:
        """Whether it was listed before, or there is nothing to list."""
        return kind in self._known or not self.upstream.introduction.may_offer(_CAPABILITIES[kind])

    async def items(self, kind: Kind, wait: float) -> Sequence[Item]:
        """The list. A server that can't be reached in `wait` seconds has what it had, or nothing.

        One that rests is not started only to list again what it has listed.
        """
        if self.is_known(kind) and self.upstream.state == "stopped":
            return self.known(kind)
        try:
            session = await self.upstream.open(wait)
            if self._is_stale(kind, session):
                await self._learn(kind, session)
        except (CallFailed, RequestFailed, TimeoutError):
            return () if self.upstream.is_down else self.known(kind)
        return self.known(kind)

    def forget(self, capability: str) -> None:
        """The server said that its `prompts` or `resources` are others now."""
        for kind, own in _CAPABILITIES.items():
            if own == capability:
                self._kept.pop(kind, None)
                self._holds_until.pop(kind, None)

    def fresh_for(self, kind: Kind) -> float:
        """Seconds for which the server says that a list still holds; 0 when it does not say."""
        return max(0.0, self._holds_until.get(kind, 0.0) - self.upstream.now())

    def _is_stale(self, kind: Kind, session: Session) -> bool:
        until = self._holds_until.get(kind)
        if until is not None:
            return self.upstream.now() >= until
        return self._kept.get(kind) is not session

    async def _learn(self, kind: Kind, session: Session) -> None:
        capability, key = _CAPABILITIES[kind], KEYS[kind]
        if capability not in session.capabilities:
            self._known[kind] = []
            return
        if session.tells_changes(capability):
            # Noted first: a change that is told while the list comes makes it stale.
            self._kept[kind] = session
        try:
            with self.upstream.supervisor.used():
                async with asyncio.timeout(self.upstream.list_seconds):
                    listing = await session.listed(_METHODS[kind], FIELDS[kind])
        except RequestFailed as error:
            self._kept.pop(kind, None)
            if error.code != _METHOD_NOT_FOUND or error.kind is not None:
                raise
            listing = Listing([])
        except BaseException:
            self._kept.pop(kind, None)
            raise
        self._holds_until.pop(kind, None)
        # A change that was told meanwhile makes it stale, whatever it says itself.
        if listing.ttl is not None and (kind in self._kept or not session.tells_changes(capability)):
            self._holds_until[kind] = self.upstream.now() + listing.ttl
        readable = (readable_item(kind, key, one) for one in listing.items)
        self._known[kind] = items = [one for one in readable if one is not None]
        await self.upstream.introduction.keep(kind, items)
