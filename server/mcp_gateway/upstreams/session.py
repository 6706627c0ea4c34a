"""An open connection to one MCP server, as all who use it see it: `sdk_client` opens it, and loads the SDK for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from server.mcp_gateway.caller import Caller, Progress
from server.mcp_gateway.upstreams.listing import Listing
from server.mcp_gateway.upstreams.watched import Watched


class Session(Protocol):
    """A protocol version is agreed on, and requests may go."""

    @property
    def is_modern(self) -> bool:
        """Whether it is of the era without sessions, in which servers send no requests of their own."""

    @property
    def server_version(self) -> str | None:
        """The version that the server says it has."""

    @property
    def instructions(self) -> str | None:
        """What the server says to models about all of it."""

    @property
    def may_log(self) -> bool:
        """Whether the server says that it sends messages for a log."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server says that it has: `tools`, `prompts`, `resources`, `completions`, `logging`…"""

    @property
    def takes_subscriptions(self) -> bool:
        """Whether the server tells of changes of single resources."""

    def tells_changes(self, capability: str) -> bool:
        """Whether the server says when its list of `tools`, `prompts` or `resources` is another."""

    async def ping(self) -> None:
        """A sign of life, however small. Raises RequestFailed when the connection is gone."""

    async def set_log_level(self, level: str) -> None:
        """For a server of the older eras. Raises RequestFailed."""

    async def list_tools(self) -> Listing:
        """The tools, as the server wrote them. Raises RequestFailed."""

    async def listed(self, method: str, field: str) -> Listing:
        """All pages of a list, as the server wrote them. Raises RequestFailed."""

    async def request(
        self,
        method: str,
        params: Mapping[str, Any],
        meta: Mapping[str, Any] | None,
        caller: Caller,
        progress: Progress | None,
    ) -> dict[str, Any]:
        """The result as the server wrote it (also one with `isError`). Raises RequestFailed.

        `params` are without their `_meta`; what this connection and this caller put on each request is added.
        """

    async def tell_folders_changed(self) -> None:
        """For a server of the older eras that may ask for a client's folders; best effort."""

    async def watch(self, watched: Watched, missed: Callable[[], None]) -> None:
        """Let the server tell of changes: of its lists, and of the resources that are `watched`.

        What it tells comes through `Heard`. `missed`: something may have been told while nobody listened.
        """
