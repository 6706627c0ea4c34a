"""The last list of tools of one connection: from disk until its server has given one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from server.mcp_gateway.catalogue.known_tool import KnownTool, Listed
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.catalogue.tool_set import ToolSet
from server.mcp_gateway.upstreams.config import ServerConfig
from server.mcp_gateway.upstreams.listing import Listing

_LEAST_SECONDS = 1.0


class LastList:
    """What it makes of a list follows every change of the catalogue at once."""

    def __init__(self, config: ServerConfig, catalogue: ToolCatalogue, clock: Callable[[], float]) -> None:
        self._config = config
        self._catalogue = catalogue
        self._clock = clock
        self._listed: Sequence[Listed] | None = catalogue.restored(config)
        self._at = clock() - catalogue.age(config)
        self._ttl: float | None = None
        self._offered = ToolSet(config.name)
        self._made_of: tuple[Sequence[Listed] | None, Mapping[str, KnownTool] | None, bool] = (None, None, True)

    @property
    def is_known(self) -> bool:
        return self._listed is not None

    def is_old(self, *, running: bool) -> bool:
        """Whether it is time to ask for it again. For what a server says of its list none is started."""
        ttl = self._catalogue.ttl.total_seconds()
        if running and self._ttl is not None:
            ttl = min(ttl, max(self._ttl, _LEAST_SECONDS))
        return self._clock() - self._at > ttl

    def fresh_for(self) -> float:
        """Seconds for which the server says that the list still holds; 0 when it does not say."""
        return 0.0 if self._ttl is None else max(0.0, self._ttl - (self._clock() - self._at))

    @property
    def offered(self) -> ToolSet:
        """What of it is offered at this moment."""
        was, now = self._made_of, (self._listed, self._catalogue.of(self._config.id), self._catalogue.asks)
        if was[0] is not now[0] or was[1] is not now[1] or was[2] is not now[2]:
            self._made_of, self._offered = now, self._catalogue.offered(self._config, self._listed or ())
        return self._offered

    def asked(self) -> None:
        """It is being asked for: whatever comes of that, not again before it is old once more."""
        self._at = self._clock()

    async def learn(self, listing: Listing, version: str | None, instructions: str | None) -> None:
        """A new one. `version`: of the server's program, as it says itself; `instructions`: what it says to models."""
        self._listed, waiting = await self._catalogue.learned(
            self._config, listing.items, version, instructions, again=self.is_known
        )
        self._ttl = listing.ttl
        self._at = self._clock()
        if waiting:
            await self._catalogue.tell(self._config, waiting)
