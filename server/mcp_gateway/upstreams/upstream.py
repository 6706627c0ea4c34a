"""One MCP server behind the gateway: what it offers, and every call on its way to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from server.limits.circuit_breaker import CircuitBreaker, Permit
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.last_list import LastList
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.catalogue.tool_set import ToolSet
from server.mcp_gateway.failures import (
    UPSTREAM_FAILED,
    UPSTREAM_TIMEOUT,
    CallFailed,
    circuit_open,
)
from server.mcp_gateway.log_levels import is_wanted
from server.mcp_gateway.upstreams.config import ServerConfig
from server.mcp_gateway.upstreams.folders import Folders
from server.mcp_gateway.upstreams.heard import Heard
from server.mcp_gateway.upstreams.in_flight import InFlight
from server.mcp_gateway.upstreams.introduction import Introduction
from server.mcp_gateway.upstreams.links import Links
from server.mcp_gateway.upstreams.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, Notice
from server.mcp_gateway.upstreams.outcomes import answered, apart, broke, list_failed, silent
from server.mcp_gateway.upstreams.reopening import Reopening
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.shown import Shown
from server.mcp_gateway.upstreams.standing import Trouble, UpstreamState
from server.mcp_gateway.upstreams.supervisor import Supervisor, Surroundings
from server.mcp_gateway.upstreams.watched import Watched

if TYPE_CHECKING:
    from server.mcp_gateway.upstreams.sdk_client import SdkSession

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 5.0
_END_OF_START_SECONDS = 2.0
_INSTALLING_WAIT_SECONDS = 2.5
"""A list does not wait for a program that may have to be fetched first; its tools come later."""
_TURN_SECONDS = 10.0
"""At a server that asks its clients, one client waits so long for the calls of another."""
_DOWN = frozenset(("failed", "needs_attention", "needs_login"))


class Upstream:
    """One configured server. All methods run on the event loop."""

    def __init__(self, config: ServerConfig, around: Surroundings, catalogue: ToolCatalogue) -> None:
        self.config = config
        self.notices = around.notices
        self.watched = Watched()
        self.introduction = Introduction(config, catalogue.offers)
        self._in_flight = InFlight(asks=self.introduction.asks)
        self.folders = Folders(self)
        self.breaker = CircuitBreaker()
        self._last_list = LastList(config, catalogue, around.clock)
        self.supervisor = Supervisor(
            config,
            around,
            on_open=self._learn,
            on_tools_changed=self._learn_again,
            on_changed=self._standing_changed,
            is_known=lambda: self._last_list.is_known,
            heard=Heard(self, self._in_flight, lambda: self.supervisor.relist()),
            watched=self.watched,
        )
        self._settings = around.settings
        self._watches = around.watches
        self._clock = around.clock
        self._refreshing: asyncio.Task[None] | None = None
        self._shown = Shown(self)
        self._reopening = Reopening(self)
        self.links = Links()
        self._log_level: str | None = None
        self._setting_level: asyncio.Task[None] | None = None

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
    def start_wait(self) -> float:
        """Seconds in which a start that does not install anything has come to an end, with its reason."""
        return self._settings.current.mcp_start_timeout_seconds + _END_OF_START_SECONDS

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
        return self.state in _DOWN

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

    @property
    def retry_after(self) -> float:
        """Seconds until the server may be called again, 0 when it may be now."""
        now = self._clock()
        return max(self.supervisor.standing.retry_after(now), self.breaker.retry_after(now))

    def want_log(self, level: str) -> None:
        """Somebody wants its messages for a log from this level on; of several the least grave holds."""
        if self._log_level is not None and is_wanted(level, self._log_level):
            return
        self._log_level = level
        session = self.supervisor.current
        if session is not None and not session.is_modern and session.may_log:
            self._setting_level = asyncio.get_running_loop().create_task(self._set_level(session, level))

    def now(self) -> float:
        """The time by which lists grow old, in seconds."""
        return self._clock()

    def list_fresh_for(self) -> float:
        """Seconds for which the server says that its list of tools still holds; 0 when it does not say."""
        return self._last_list.fresh_for()

    async def tools(self, wait: float) -> dict[str, Tool]:
        """Tools by public name; a server that was never listed is started and waited for, `wait` seconds at most.

        A list that is older than the setting says is asked for again, and nobody waits for that.

        A server that can't be reached in this time has the tools it had, or none: the list of the others must not
        suffer from it.
        """
        standing = self.supervisor.standing
        if self.config.installs and not self._last_list.is_known:
            wait = min(wait, _INSTALLING_WAIT_SECONDS)
        if not self._last_list.is_known or (self.state == "failed" and standing.retry_after(self._clock()) == 0):
            with contextlib.suppress(CallFailed):
                await self._ready(wait)
        elif self._last_list.is_old(running=self.supervisor.current is not None):
            self._refresh_soon()
        return self._shown.listed()

    async def refresh(self, wait: float) -> None:
        """Ask the server for its tools now, starting it if need be. Raises CallFailed."""
        session = self.supervisor.current
        if session is None:
            await self._ready(wait)
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

    async def call(
        self,
        tool: Tool,
        arguments: dict[str, Any] | None,
        meta: Mapping[str, Any] | None,
        caller: Caller,
        more: Mapping[str, Any] | None = None,
        *,
        again: Callable[[Tool | None], None],
    ) -> dict[str, Any]:
        """Call a tool once; a call that may have reached the server is never sent again.

        `again` is asked about the tool when the server was waited for, or the tool is another one by now.
        Returns the server's result as it wrote it. Raises CallFailed.
        """
        params: dict[str, Any] = {**(more or {}), "name": tool.name}
        if arguments is not None:
            params["arguments"] = arguments
        return await self.request("tools/call", params, meta, caller, tool=tool, again=again)

    async def request(
        self,
        method: str,
        params: Mapping[str, Any],
        meta: Mapping[str, Any] | None,
        caller: Caller,
        *,
        tool: Tool | None = None,
        again: Callable[[Tool | None], None] | None = None,
    ) -> dict[str, Any]:
        """Pass a request on, once. `params` are without their `_meta`. Returns the result as the server wrote it.

        With `tool` only while the server has it; `again` is asked after a wait. Raises CallFailed.
        """
        permit = self.breaker.acquire(self._clock())
        if not permit.allowed:
            raise circuit_open(self.config.name, permit.retry_after)
        try:
            with self.supervisor.used():
                return await self._request(permit, method, params, meta, caller, tool, again)
        finally:
            # A no-op once the outcome is recorded; it gives a cancelled probe's lease back.
            self.breaker.release(permit)

    async def open(self, wait: float) -> SdkSession:
        """The open session; the server is started for it. Raises CallFailed when that takes longer than `wait`."""
        if self.config.installs and not self._last_list.is_known:
            wait = min(wait, _INSTALLING_WAIT_SECONDS)
        return await self._ready(wait)

    def retire(self) -> None:
        """Another is in its place: it tells nothing any more."""
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
        self.breaker = CircuitBreaker()
        self.supervisor.standing.forget()
        self.supervisor.stderr.clear()

    async def _request(
        self,
        permit: Permit,
        method: str,
        params: Mapping[str, Any],
        meta: Mapping[str, Any] | None,
        caller: Caller,
        tool: Tool | None,
        again: Callable[[Tool | None], None] | None,
    ) -> dict[str, Any]:
        waits = self.supervisor.current is None or self._in_flight.asks or self.folders.are_asked
        try:
            session = self.supervisor.ready
            if session is None:
                with self.folders.coming(caller):
                    session = await self._ready(self.start_wait)
        except CallFailed:
            # A server that is being installed, or that waits for a person, says nothing about its connection.
            if self.state == "failed":
                self.breaker.record_failure(permit, "transport", self._clock())
            raise
        seconds = self._settings.current.mcp_call_timeout_seconds
        await self._in_flight.turn(caller, _TURN_SECONDS)
        if self.supervisor.current is not session:
            session, waits = await self._ready(self.start_wait), True
        try:
            with self._in_flight.one(caller, seconds) as flight:
                await self.folders.ready_for(caller)
                # A start, or the wait for a turn, may have brought other tools, and others may decide by now.
                now = None if tool is None else self.offered.still(tool, owned=self.config.owner is not None)
                if again is not None and (waits or now is not tool):
                    again(now)

                async def report(done: float, total: float | None, message: str | None) -> None:
                    flight.sign_of_life()
                    if caller.progress is not None:
                        await caller.progress(done, total, message)

                result = await session.request(method, params, meta, caller, report)
        except TimeoutError:
            self.breaker.record_failure(permit, "slow", self._clock())
            raise silent(self.config.name, seconds) from None
        except RequestFailed as error:
            if (refusal := self.supervisor.login_refused(session, error)) is not None:
                raise refusal from error
            if error.broken:
                self.supervisor.lost(session)
            if error.kind is None:
                self.breaker.record_success(permit)
                if error.unread:
                    raise broke(self.config.name, error) from error
                raise answered(self.config.name, error, caller, flight.refused) from error
            self.breaker.record_failure(permit, error.kind, self._clock())
            raise broke(self.config.name, error, self.retry_after) from error
        self.breaker.record_success(permit)
        if result.get("isError") is True and flight.refused:
            raise apart(self.config.name, flight.refused, result)
        self.links.learn(result)
        return result

    async def _ready(self, wait: float) -> SdkSession:
        """The open session. Raises CallFailed, also when that takes more than `wait` seconds; the start goes on."""
        if (ready := self.supervisor.ready) is not None:
            return ready
        try:
            async with asyncio.timeout(wait):
                return await self.supervisor.session()
        except TimeoutError:
            raise self._still_starting() from None

    def refusal(self) -> CallFailed | None:
        """What a caller is told who finds no tools here, or None when it runs and simply has none."""
        if self.state in ("installing", "starting"):
            return self._still_starting()
        if not self.is_down:
            return None
        reason = self.trouble.reason if self.trouble else ""
        return self.supervisor.standing.refusal(self._clock()) or CallFailed(
            UPSTREAM_FAILED,
            f"The MCP server {self.config.name} can't be reached: {reason}",
            {"server": self.config.name},
        )

    def _still_starting(self) -> CallFailed:
        doing = "being installed" if self.state == "installing" else "starting"
        return CallFailed(
            UPSTREAM_FAILED,
            f"The MCP server {self.config.name} is still {doing}. Try again in a moment.",
            {"server": self.config.name, "state": self.state, "retry_after": _AGAIN_SECONDS},
        )

    def tell_tools_changed(self) -> None:
        """What it offers may be another now."""
        self._shown.tools_changed()

    def _standing_changed(self) -> None:
        if self.state == "ready" and self.introduction.was_old():
            # Clients have what it offered before it was started.
            for method in (PROMPTS_CHANGED, RESOURCES_CHANGED):
                self.notices.tell(Notice(method, self))
        self._shown.standing_changed()
        self._reopening.look()

    def _refresh_soon(self) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._last_list.asked()
            self._refreshing = asyncio.create_task(self._refresh_quietly(), name=f"tools of {self.config.name}")

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh(self.start_wait)
        except CallFailed as error:
            _log.warning("MCP server %s: its tools could not be listed again: %s", self.config.name, error.message)

    async def _learn(self, session: SdkSession) -> None:
        await self._last_list.learn(await session.list_tools(), session.server_version)
        await self.introduction.learn(session.capabilities)
        if self._log_level is not None and not session.is_modern and session.may_log:
            await self._set_level(session, self._log_level)

    async def _set_level(self, session: SdkSession, level: str) -> None:
        with contextlib.suppress(RequestFailed):
            await session.set_log_level(level)

    async def _learn_again(self, session: SdkSession) -> None:
        try:
            async with asyncio.timeout(self._settings.current.mcp_start_timeout_seconds):
                await self._learn(session)
        except (RequestFailed, TimeoutError) as error:
            _log.warning("MCP server %s: its changed tools could not be listed: %s", self.config.name, error)
            return
        self.tell_tools_changed()
