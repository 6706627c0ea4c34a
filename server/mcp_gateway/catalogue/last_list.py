"""The last list of tools of one connection: from disk until its server has given one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.mcp_gateway.catalogue.known_tool import KnownTool, Listed
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.catalogue.tool_set import ToolSet
from server.mcp_gateway.upstreams.config import ServerConfig


class LastList:
    """What it makes of a list follows every change of the catalogue at once."""

    def __init__(self, config: ServerConfig, catalogue: ToolCatalogue, clock: Callable[[], float]) -> None:
        self._config = config
        self._catalogue = catalogue
        self._clock = clock
        self._listed: Sequence[Listed] | None = catalogue.restored(config)
        self._at = clock() - catalogue.age(config)
        self._offered = ToolSet(config.name)
        self._made_of: tuple[Sequence[Listed] | None, Mapping[str, KnownTool] | None, bool] = (None, None, True)

    @property
    def is_known(self) -> bool:
        return self._listed is not None

    @property
    def is_old(self) -> bool:
        """Whether it is time to ask for it again."""
        return self._clock() - self._at > self._catalogue.ttl.total_seconds()

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

    async def learn(self, raw: Sequence[Mapping[str, Any]], version: str | None) -> None:
        """A new one. `version`: of the server's program, as it says itself."""
        self._listed, waiting = await self._catalogue.learned(self._config, raw, version)
        self._at = self._clock()
        if waiting:
            await self._catalogue.tell(self._config, waiting)
