"""Requests to one server: each goes once, within its turn and its time, and what comes of it is noted and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.config import SettingsHolder
from server.limits.circuit_breaker import CircuitBreaker, Permit
from server.mcp_gateway.caller import Caller, Progress
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.catalogue.tool_set import ToolSet
from server.mcp_gateway.failures import CallFailed, circuit_open
from server.mcp_gateway.upstreams.folders import Folders
from server.mcp_gateway.upstreams.in_flight import Flight, InFlight
from server.mcp_gateway.upstreams.links import Links
from server.mcp_gateway.upstreams.outcomes import answered, apart, broke, silent
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.start import Start
from server.mcp_gateway.upstreams.supervisor import Supervisor

_TURN_SECONDS = 10.0
"""At a server that asks its clients, one client waits so long for the calls of another."""

Again = Callable[[Tool | None], None]
"""Asked about the tool when the server was waited for, or the tool is another one by now. May raise CallFailed."""


class Requests:
    """A request that may have reached the server is never sent again."""

    def __init__(
        self,
        supervisor: Supervisor,
        start: Start,
        in_flight: InFlight,
        folders: Folders,
        settings: SettingsHolder,
        clock: Callable[[], float],
        *,
        offered: Callable[[], ToolSet],
    ) -> None:
        """`offered` are the tools that may be called at this moment."""
        self.breaker = CircuitBreaker()
        self.links = Links()
        """Of the results that came."""
        self._supervisor = supervisor
        self._start = start
        self._in_flight = in_flight
        self._folders = folders
        self._settings = settings
        self._clock = clock
        self._offered = offered
        self._counted: object = None
        """The connection that broke last, or the error of the last start that failed: each is one failure."""

    @property
    def retry_after(self) -> float:
        """Seconds until the next one may go, 0 when it may now."""
        now = self._clock()
        return max(self._supervisor.standing.retry_after(now), self.breaker.retry_after(now))

    def forget_failures(self) -> None:
        """However often they failed before, the next one may go."""
        self.breaker.forget()

    async def call(
        self,
        tool: Tool,
        arguments: dict[str, Any] | None,
        meta: Mapping[str, Any] | None,
        caller: Caller,
        more: Mapping[str, Any] | None = None,
        *,
        again: Again,
    ) -> dict[str, Any]:
        """Call a tool. Returns the server's result as it wrote it. Raises CallFailed."""
        params: dict[str, Any] = {**(more or {}), "name": tool.name}
        if arguments is not None:
            params["arguments"] = arguments
        return await self.pass_on("tools/call", params, meta, caller, tool=tool, again=again)

    async def pass_on(
        self,
        method: str,
        params: Mapping[str, Any],
        meta: Mapping[str, Any] | None,
        caller: Caller,
        *,
        tool: Tool | None = None,
        again: Again | None = None,
    ) -> dict[str, Any]:
        """Pass a request on. `params` are without their `_meta`. Returns the result as the server wrote it.

        With `tool` only while the server has it. Raises CallFailed.
        """
        permit, is_sent = self.breaker.acquire(self._clock()), False

        def check() -> None:
            nonlocal is_sent
            self._check(tool, again, waited)
            is_sent = True

        try:
            if not permit.allowed:
                raise circuit_open(self._supervisor.config.name, permit.retry_after)
            with self._supervisor.used():
                session, waited = await self._turn(permit, caller)
                return await self._send(session, permit, caller, check, method, params, meta)
        except CallFailed as failed:
            failed.not_made = failed.not_made or not is_sent
            raise
        finally:
            # A no-op once the outcome is recorded; it gives a cancelled probe's lease back.
            self.breaker.release(permit)

    async def _turn(self, permit: Permit, caller: Caller) -> tuple[Session, bool]:
        """A session on which it is the caller's turn, and whether anything may have changed before it was."""
        session, waited = self._supervisor.ready, self._in_flight.asks or self._folders.are_asked
        if session is None:
            waited = waited or self._supervisor.current is None
            session = await self._started(permit, caller)
        await self._in_flight.turn(caller, _TURN_SECONDS)
        if self._supervisor.current is not session:
            return await self._start.session(self._start.seconds), True
        return session, waited

    async def _started(self, permit: Permit, caller: Caller) -> Session:
        rests = self._supervisor.standing.retry_after(self._clock()) > 0
        try:
            with self._folders.coming(caller):
                return await self._start.session(self._start.seconds)
        except CallFailed as failed:
            # A server that is being installed, rests, or waits for a person, says nothing about its connection.
            if self._supervisor.state == "failed" and not rests and self._is_first(failed):
                self.breaker.record_failure(permit, "transport", self._clock())
            raise

    def _is_first(self, failed: object) -> bool:
        """Whether it is not counted yet: all who wait for a start get one error, and many may use a connection."""
        was, self._counted = self._counted, failed
        return was is not failed

    def _check(self, tool: Tool | None, again: Again | None, waited: bool) -> None:
        # A start, or the wait for a turn, may have brought other tools, and others may decide by now.
        now = None if tool is None else self._offered().still(tool, owned=self._supervisor.config.owner is not None)
        if again is not None and (waited or now is not tool):
            again(now)

    async def _send(
        self,
        session: Session,
        permit: Permit,
        caller: Caller,
        check: Callable[[], None],
        method: str,
        params: Mapping[str, Any],
        meta: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        server, seconds = self._supervisor.config.name, self._settings.current.mcp_call_timeout_seconds
        try:
            with self._in_flight.one(caller, seconds) as flight:
                await self._folders.ready_for(caller)
                check()
                result = await session.request(method, params, meta, caller, _reported(flight, caller.progress))
        except TimeoutError:
            self.breaker.record_failure(permit, "slow", self._clock())
            raise silent(server, seconds) from None
        except RequestFailed as error:
            raise self._failed(session, permit, error, caller, flight.refused) from error
        self.breaker.record_success(permit)
        if result.get("isError") is True and flight.refused:
            raise apart(server, flight.refused, result)
        self.links.learn(result)
        return result

    def _failed(
        self, session: Session, permit: Permit, error: RequestFailed, caller: Caller, refused: str | None
    ) -> CallFailed:
        """What it says of the connection is noted; what the caller hears is returned."""
        server = self._supervisor.config.name
        if (refusal := self._supervisor.login_refused(session, error)) is not None:
            return refusal
        if error.broken:
            self._supervisor.lost(session)
        if error.kind is not None:
            if not error.broken or self._is_first(session):
                self.breaker.record_failure(permit, error.kind, self._clock())
            return broke(server, error, self.retry_after)
        self.breaker.record_success(permit)
        return broke(server, error) if error.unread else answered(server, error, caller, refused)


def _reported(flight: Flight, progress: Progress | None) -> Progress:
    """Each report of the server is a sign of life, whether somebody wants to hear it or not."""

    async def report(done: float, total: float | None, message: str | None) -> None:
        flight.sign_of_life()
        if progress is not None:
            await progress(done, total, message)

    return report
