"""What a server has said of itself: from disk until it runs for the first time."""

from __future__ import annotations

from collections.abc import Mapping

from server.mcp_gateway.catalogue.offer_store import Items, OfferStore
from server.mcp_gateway.upstreams.config import ServerConfig


class Introduction:
    """Of one connection."""

    def __init__(self, config: ServerConfig, store: OfferStore) -> None:
        known = store.of(config)
        self._config = config
        self._store = store
        self.capabilities: frozenset[str] | None = None if known is None else known.capabilities
        """None before its first start."""
        self.lists: Mapping[str, Items] = {} if known is None else known.lists
        """Prompts, resources and templates as they were last listed."""
        self.asks = store.asks(config)
        """Whether it asks its clients without saying for which call."""
        self._is_old = known is not None

    def may_offer(self, capability: str) -> bool:
        """Whether it has `prompts`, `resources` or `completions`; before its first start that is not known: True."""
        return self.capabilities is None or capability in self.capabilities

    async def learn(self, capabilities: frozenset[str]) -> None:
        """It runs, says what it has, and has listed its tools."""
        self.capabilities = capabilities
        await self._store.learned(self._config, capabilities=sorted(capabilities), asks=self.asks)

    async def keep(self, name: str, items: Items) -> None:
        """It has listed its `prompts`, `resources` or `templates`."""
        await self._store.learned(self._config, **{name: list(items)})

    async def asked(self) -> None:
        """It has asked its clients without saying for which call."""
        self.asks = True
        if self.capabilities is not None:
            await self._store.learned(self._config, asks=True)

    def was_old(self) -> bool:
        """Whether what is known came from disk until now; once."""
        found, self._is_old = self._is_old, False
        return found
