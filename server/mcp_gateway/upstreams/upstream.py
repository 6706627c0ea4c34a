"""One MCP server behind the gateway: how it stands, what it offers, and the parts that each do one thing for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.last_list import LastList
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.catalogue.tool_set import ToolSet
from server.mcp_gateway.failures import UPSTREAM_TIMEOUT, CallFailed
from server.mcp_gateway.upstreams.config import ServerConfig
from server.mcp_gateway.upstreams.folders import Folders
from server.mcp_gateway.upstreams.heard import Heard
from server.mcp_gateway.upstreams.in_flight import InFlight
from server.mcp_gateway.upstreams.introduction import Introduction
from server.mcp_gateway.upstreams.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, OwnNotices
from server.mcp_gateway.upstreams.outcomes import list_failed
from server.mcp_gateway.upstreams.reopening import Reopening
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.requests import Requests
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.shown import Shown
from server.mcp_gateway.upstreams.standing import Trouble, UpstreamState
from server.mcp_gateway.upstreams.start import Start
from server.mcp_gateway.upstreams.supervisor import Supervisor
from server.mcp_gateway.upstreams.surroundings import Surroundings
from server.mcp_gateway.upstreams.wanted_log import WantedLog
from server.mcp_gateway.upstreams.watched import Watched

_log = logging.getLogger(__name__)
_INSTALLING_WAIT_SECONDS = 2.5
"""A list does not wait for a program that may have to be fetched first; its tools come later."""


class Upstream:
    """One configured server. All methods run on the event loop."""

    def __init__(self, config: ServerConfig, around: Surroundings, catalogue: ToolCatalogue) -> None:
        self.config = config
        self.watched = Watched()
        self.introduction = Introduction(config, catalogue.offers)
        self.folders = Folders(lambda: self.supervisor.current)
        self._notices = OwnNotices(around.notices, self)
        self._settings = around.settings
        self._watches = around.watches
        self._clock = around.clock
        self._last_list = LastList(config, catalogue, around.clock)
        in_flight = InFlight(asks=self.introduction.asks)
        self.supervisor = Supervisor(
            config,
            around,
            on_open=self._learn,
            on_tools_changed=self._learn_again,
            on_changed=self._standing_changed,
            is_known=lambda: self._last_list.is_known,
            heard=Heard(
                self._notices,
                self.introduction,
                self.folders,
                in_flight,
                self.watched,
                relist=lambda: self.supervisor.relist(),
                is_personal=config.person is not None,
            ),
            watched=self.watched,
        )
        self.start = Start(self.supervisor, around.settings)
        self.requests = Requests(
            self.supervisor,
            self.start,
            in_flight,
            self.folders,
            around.settings,
            around.clock,
            offered=lambda: self.offered,
        )
        self.log = WantedLog(self.supervisor)
        self._refreshing: asyncio.Task[None] | None = None
        self._shown = Shown(self._notices, lambda: {} if self.is_down else self.known_tools)
        self._reopening = Reopening(
            self.supervisor,
            self._notices,
            self.watched,
            open_it=lambda: self.open(self.start.seconds),
            retry_after=lambda: self.requests.retry_after,
        )

    @property
    def state(self) -> UpstreamState:
        return self.supervisor.state

    @property
    def is_watched(self) -> bool:
        """Whether an admin watches what passes."""
        return self._watches.of(self.config.id).ring is not None

    @property
    def trouble(self) -> Trouble | None:
        """Why it does not work, while it does not."""
        return self.supervisor.standing.trouble

    @property
    def known_tools(self) -> dict[str, Tool]:
        """Tools by public name, as last listed, less those that are off or wait; empty before the first list."""
        return self.offered.by_public_name

    @property
    def offered(self) -> ToolSet:
        """What of the last list is offered at this moment."""
        return self._last_list.offered

    @property
    def list_seconds(self) -> float:
        """In this time it must have listed what it offers."""
        return self._settings.current.mcp_start_timeout_seconds

    @property
    def is_down(self) -> bool:
        """Whether it could not be reached when that was last tried."""
        return self.supervisor.standing.is_down

    @property
    def may_ask(self) -> bool:
        """Whether it may send requests of its own while it works: since 2026-07-28 no server does."""
        session = self.supervisor.current
        return session is None or not session.is_modern

    @property
    def may_log(self) -> bool:
        """Whether it may send messages for a log while it works."""
        session = self.supervisor.current
        return session is None or session.may_log

    def now(self) -> float:
        """The time by which lists grow old, in seconds."""
        return self._clock()

    def list_fresh_for(self) -> float:
        """Seconds for which the server says that its list of tools still holds; 0 when it does not say."""
        return self._last_list.fresh_for()

    @property
    def is_started_by_a_list(self) -> bool:
        """Whether to list its tools is to start it, since they are not known or it failed and may be tried again."""
        standing = self.supervisor.standing
        return not self._last_list.is_known or (self.state == "failed" and standing.retry_after(self._clock()) == 0)

    async def tools(self, wait: float, caller: Caller | None = None) -> dict[str, Tool]:
        """Tools by public name; a server that was never listed is started and waited for, `wait` seconds at most.

        While it starts it may ask `caller` for folders.

        A list that is older than the setting says is asked for again, and nobody waits for that.

        A server that can't be reached in this time has the tools it had, or none: the list of the others must not
        suffer from it.
        """
        if self.is_started_by_a_list:
            with contextlib.suppress(CallFailed), self.folders.coming(caller):
                await self.open(wait)
        elif self._last_list.is_old(running=self.supervisor.current is not None):
            self._refresh_soon()
        return self._shown.listed()

    async def refresh(self, wait: float) -> None:
        """Ask the server for its tools now, starting it if need be. Raises CallFailed."""
        session = self.supervisor.current
        if session is None:
            await self.start.session(wait)
            return
        try:
            async with asyncio.timeout(wait):
                await self._learn(session)
            self.tell_tools_changed()
        except TimeoutError:
            raise CallFailed(
                UPSTREAM_TIMEOUT, f"The MCP server {self.config.name} did not list its tools within {wait:g} s."
            ) from None
        except RequestFailed as error:
            raise list_failed(self.config.name, error) from error

    async def open(self, wait: float) -> Session:
        """The open session; the server is started for it. Raises CallFailed when that takes longer than `wait`."""
        if self.config.installs and not self._last_list.is_known:
            wait = min(wait, _INSTALLING_WAIT_SECONDS)
        return await self.start.session(wait)

    def retire(self) -> None:
        """Another is in its place: it tells nothing any more, and is not started again."""
        self.supervisor.retire()
        self._shown.forget()
        self._reopening.end()
        self.folders.end()

    async def stop(self) -> None:
        """End the connection and its child; takes about a second at most. The catalogue stays known."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        await self.supervisor.stop()

    def forget_failures(self) -> None:
        """Let the next use start the server at once, however often it failed before."""
        self.requests.forget_failures()
        self.supervisor.standing.forget()
        self.supervisor.stderr.clear()

    def refusal(self) -> CallFailed | None:
        """What a caller is told who finds no tools here, or None when it runs and simply has none."""
        return self.start.refusal(self._clock())

    def want_news(self) -> None:
        """Somebody waits for its news: it is started for that, and again when it ends."""
        self._reopening.look()

    def tell_tools_changed(self) -> None:
        """What it offers may be another now."""
        self._shown.tools_changed()

    def _standing_changed(self) -> None:
        if self.state == "ready" and self.introduction.was_old():
            # Clients have what it offered before it was started.
            for method in (PROMPTS_CHANGED, RESOURCES_CHANGED):
                self._notices.tell(method)
        self._shown.standing_changed()
        self._reopening.look()

    def _refresh_soon(self) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._last_list.asked()
            self._refreshing = asyncio.create_task(self._refresh_quietly(), name=f"tools of {self.config.name}")

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh(self.start.seconds)
        except CallFailed as error:
            _log.warning("MCP server %s: its tools could not be listed again: %s", self.config.name, error.message)

    async def _learn(self, session: Session) -> None:
        await self._last_list.learn(await session.list_tools(), session.server_version, session.instructions)
        await self.introduction.learn(session.capabilities)
        await self.log.tell(session)

    async def _learn_again(self, session: Session) -> None:
        try:
            async with asyncio.timeout(self._settings.current.mcp_start_timeout_seconds):
                await self._learn(session)
        except (RequestFailed, TimeoutError) as error:
            _log.warning("MCP server %s: its changed tools could not be listed: %s", self.config.name, error)
            return
        self.tell_tools_changed()
