"""One MCP server behind the gateway: started when needed, watched, restarted with patience, stopped when idle."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol

import anyio

from server.config import SettingsHolder
from server.limits.circuit_breaker import CircuitBreaker, FailureKind, Permit
from server.mcp_gateway.catalogue.tool import Tool, catalogue_of
from server.mcp_gateway.failures import (
    UPSTREAM_FAILED,
    UPSTREAM_TIMEOUT,
    CallFailed,
    circuit_open,
    unknown_tool,
)
from server.mcp_gateway.upstreams.child_process import STDERR_LINES
from server.mcp_gateway.upstreams.config import LaunchSpec, ServerConfig
from server.mcp_gateway.upstreams.process_guardian import Guardian

if TYPE_CHECKING:
    from server.mcp_gateway.upstreams.sdk_client import Progress, SdkSession

_log = logging.getLogger(__name__)
UpstreamState = Literal["stopped", "starting", "ready", "failed", "disabled"]
_BACKOFF_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
_STEADY_SECONDS = 30.0
_MESSAGE_LENGTH = 1000


class OpenSession(Protocol):
    """The shape of `sdk_client.open_session`."""

    def __call__(
        self,
        spec: LaunchSpec,
        *,
        stderr: deque[str],
        guardian: Guardian | None,
        on_tools_changed: Callable[[], None],
        on_child: Callable[[int | None], None],
    ) -> AbstractAsyncContextManager[SdkSession]: ...


class Upstream:
    """The life of one configured server. All methods run on the event loop."""

    def __init__(
        self,
        config: ServerConfig,
        *,
        settings: SettingsHolder,
        launch_spec: Callable[[int], Awaitable[LaunchSpec]],
        guardian: Guardian,
        clock: Callable[[], float],
        on_tools_changed: Callable[[Upstream], None],
    ) -> None:
        self.config = config
        self.state: UpstreamState = "stopped" if config.enabled else "disabled"
        self.error: str | None = None
        self.stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self.child_pid: int | None = None
        self.breaker = CircuitBreaker()
        self._settings = settings
        self._launch_spec = launch_spec
        self._guardian = guardian
        self._clock = clock
        self._on_tools_changed = on_tools_changed
        self._tools: dict[str, Tool] | None = None
        self._session: SdkSession | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._started: asyncio.Future[SdkSession] | None = None
        self._wake = asyncio.Event()
        self._scope: anyio.CancelScope | None = None
        self._relist = False
        self._end = False
        self._failures = 0
        self._retry_at = 0.0
        self._in_flight = 0
        self._last_used = clock()

    @property
    def known_tools(self) -> dict[str, Tool]:
        """Tools by public name, as last listed; empty before the first start."""
        return self._tools or {}

    @property
    def retry_after(self) -> float:
        """Seconds until the server may be called again, 0 when it may be now."""
        waiting = max(0.0, self._retry_at - self._clock()) if self.state == "failed" else 0.0
        return max(waiting, self.breaker.retry_after(self._clock()))

    async def tools(self, wait: float) -> dict[str, Tool]:
        """Tools by public name; a server that was never listed is started and waited for, `wait` seconds at most.

        A server that can't be reached in this time has the tools it had, or none: the list of the others must not
        suffer from it.
        """
        if self._tools is None or (self.state == "failed" and not self._resting()):
            try:
                async with asyncio.timeout(wait):
                    await self._ready()
            except (CallFailed, TimeoutError):
                pass
        return self.known_tools if self.state != "failed" else {}

    async def call(
        self,
        tool: Tool,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Call a tool once; a call that may have reached the server is never sent again.

        Returns the server's result as it wrote it. Raises CallFailed.
        """
        permit = self.breaker.acquire(self._clock())
        if not permit.allowed:
            raise circuit_open(self.config.name, permit.retry_after)
        self._in_flight += 1
        try:
            return await self._call(permit, tool, arguments, meta, progress)
        finally:
            # A no-op once the outcome is recorded; it gives a cancelled probe's lease back.
            self.breaker.release(permit)
            self._in_flight -= 1
            self._last_used = self._clock()

    async def stop(self) -> None:
        """End the connection and its child; takes about a second at most. The catalogue stays known."""
        supervisor = self._supervisor
        self._finish()
        if supervisor is not None:
            if self._scope is not None:
                self._scope.cancel()
            done, _ = await asyncio.wait({supervisor}, timeout=1.4)
            if not done:
                supervisor.cancel()
                await asyncio.wait({supervisor}, timeout=0.2)
        self.state = "stopped" if self.config.enabled else "disabled"

    def forget_failures(self) -> None:
        """Let the next use start the server at once, however often it failed before."""
        self.breaker = CircuitBreaker()
        self._failures, self._retry_at, self.error = 0, 0.0, None
        self.stderr.clear()

    async def _call(
        self,
        permit: Permit,
        tool: Tool,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None,
        progress: Progress | None,
    ) -> dict[str, Any]:
        from server.mcp_gateway.upstreams.sdk_client import (
            RequestFailed,  # imports the SDK (0.5 s, 30 MB): only when used
        )

        try:
            session = await self._ready()
        except CallFailed:
            self.breaker.record_failure(permit, "transport", self._clock())
            raise
        if tool.public_name not in self.known_tools:
            raise unknown_tool(tool.public_name)
        seconds = self._settings.current.mcp_call_timeout_seconds
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds) as limit:

                async def report(done: float, total: float | None, message: str | None) -> None:
                    # A server that reports progress is alive: the time starts again.
                    limit.reschedule(loop.time() + seconds)
                    if progress is not None:
                        await progress(done, total, message)

                result = await session.call_tool(tool.name, arguments, meta, report)
        except TimeoutError:
            self.breaker.record_failure(permit, "slow", self._clock())
            raise CallFailed(
                UPSTREAM_TIMEOUT,
                f"The MCP server {self.config.name} gave no sign of life for {seconds:g} s "
                "(mcp_call_timeout_seconds). The call may have had its effect.",
                {"limit": "mcp_call_timeout_seconds", "timeout_seconds": seconds},
            ) from None
        except RequestFailed as error:
            if error.broken:
                self._session_lost(session)
            if error.kind is None:
                self.breaker.record_success(permit)
                raise CallFailed(error.code, error.message, error.data) from error
            self.breaker.record_failure(permit, error.kind, self._clock())
            raise self._unreachable(error.kind, error.message) from error
        self.breaker.record_success(permit)
        return result

    def _unreachable(self, kind: FailureKind, message: str) -> CallFailed:
        text = f"The MCP server {self.config.name} failed during the call: {message}."
        if kind == "transport":
            text += " The call may have had its effect."
        return CallFailed(UPSTREAM_FAILED, text[:_MESSAGE_LENGTH], {"server": self.config.name})

    def _resting(self) -> bool:
        return self._clock() < self._retry_at

    async def _ready(self) -> SdkSession:
        """The open session; starts the server when it is not running, once for all who wait. Raises CallFailed."""
        if self._session is not None:
            return self._session
        if not self.config.enabled:
            raise unknown_tool(self.config.name)
        if self._supervisor is None or self._supervisor.done() or self._end:
            if self._resting():
                wait = self._retry_at - self._clock()
                raise CallFailed(
                    UPSTREAM_FAILED,
                    f"The MCP server {self.config.name} could not be started: {self.error} "
                    f"It is tried again in {max(1, round(wait + 0.5))} s.",
                    {"server": self.config.name, "retry_after": round(wait, 3)},
                )
            previous, self._wake, self._end = self._supervisor, asyncio.Event(), False
            self._started = asyncio.get_running_loop().create_future()
            # Nobody may be left waiting when it fails; the state tells the story.
            self._started.add_done_callback(lambda future: future.cancelled() or future.exception())
            self.state = "starting"
            self._supervisor = asyncio.create_task(
                self._supervise(previous, self._started), name=f"mcp server {self.config.name}"
            )
        assert self._started is not None
        return await asyncio.shield(self._started)

    async def _supervise(self, previous: asyncio.Task[None] | None, started: asyncio.Future[SdkSession]) -> None:
        # One task enters and leaves everything: cancel scopes may not be left by another task.
        if previous is not None and not previous.done():
            await asyncio.wait({previous})
        seconds = self._settings.current.mcp_start_timeout_seconds
        began = self._clock()
        failure: BaseException | None = None
        with anyio.CancelScope(deadline=anyio.current_time() + seconds) as scope:
            self._scope = scope
            try:
                await self._serve(started, scope)
            except Exception as error:  # whatever a server does wrong is its own failure, and shown as such
                failure = error
        self._session = self._scope = None
        if self._end:
            self.state = "stopped" if self.config.enabled else "disabled"
            if not started.done():
                started.set_exception(CallFailed(UPSTREAM_FAILED, f"The MCP server {self.config.name} was stopped."))
            return
        if scope.cancelled_caught and failure is None:
            failure = TimeoutError()
        self._failed(started, failure, self._clock() - began, seconds)

    def _failed(
        self, started: asyncio.Future[SdkSession], failure: BaseException | None, lived: float, limit: float
    ) -> None:
        from server.mcp_gateway.upstreams.reasons import describe  # here the SDK is loaded already

        if isinstance(failure, TimeoutError) and not started.done():
            self.error = f"It was not ready within {limit:g} s (mcp_start_timeout_seconds)."
        else:
            self.error = describe(failure) if failure else "The server ended by itself."
        self.error = self.error[:_MESSAGE_LENGTH]
        self.state = "failed"
        self._failures = 1 if started.done() and lived > _STEADY_SECONDS else self._failures + 1
        pause = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS)) - 1]
        # A server that worked may be used again at once; one that never came up rests, with jitter.
        self._retry_at = self._clock() + (
            0.0 if started.done() and self._failures == 1 else pause * random.uniform(0.8, 1.2)
        )
        _log.warning("MCP server %s failed: %s", self.config.name, self.error)
        if not started.done():
            started.set_exception(
                CallFailed(
                    UPSTREAM_FAILED,
                    f"The MCP server {self.config.name} could not be started: {self.error}",
                    {"server": self.config.name},
                )
            )
        self._on_tools_changed(self)

    async def _serve(self, started: asyncio.Future[SdkSession], scope: anyio.CancelScope) -> None:
        # The SDK costs 0.5 s and 30 MB: imported off the loop, and only when a server is really used.
        open_session = await asyncio.to_thread(_load_open_session)
        spec = await self._launch_spec(self.config.id)
        async with open_session(
            spec,
            stderr=self.stderr,
            guardian=self._guardian,
            on_tools_changed=self._tools_changed,
            on_child=self._child_changed,
        ) as session:
            self._set_tools(await session.list_tools())
            scope.deadline = float("inf")
            self._session, self.state, self.error = session, "ready", None
            self._last_used = self._clock()
            started.set_result(session)
            self._on_tools_changed(self)
            async with anyio.create_task_group() as group:
                group.start_soon(session.watch_tools, self._tools_changed)
                await self._stay(session)
                group.cancel_scope.cancel()
            # From here on nobody gets this session: what follows is the orderly end.
            self._session = None

    async def _stay(self, session: SdkSession) -> None:
        """Until the end is asked for, the session is lost, or nobody used the server for the idle time."""
        while not self._end and self._session is session:
            idle = self._settings.current.mcp_idle_seconds
            try:
                async with asyncio.timeout(max(0.05, self._last_used + idle - self._clock())):
                    await self._wake.wait()
            except TimeoutError:
                if self._in_flight == 0 and self._clock() - self._last_used >= idle:
                    self._finish()
                elif self._in_flight:
                    self._last_used = self._clock()
                continue
            self._wake.clear()
            if self._relist and not self._end and self._session is session:
                self._relist = False
                await self._list_again(session)

    async def _list_again(self, session: SdkSession) -> None:
        from server.mcp_gateway.upstreams.sdk_client import RequestFailed  # here the SDK is loaded already

        try:
            async with asyncio.timeout(self._settings.current.mcp_start_timeout_seconds):
                self._set_tools(await session.list_tools())
        except (RequestFailed, TimeoutError) as error:
            _log.warning("MCP server %s: its changed tools could not be listed: %s", self.config.name, error)
            return
        self._on_tools_changed(self)

    def _set_tools(self, raw: list[dict[str, Any]]) -> None:
        self._tools = catalogue_of(self.config.name, raw)

    def _tools_changed(self) -> None:
        self._relist = True
        self._wake.set()

    def _child_changed(self, pid: int | None) -> None:
        self.child_pid = pid

    def _session_lost(self, session: SdkSession) -> None:
        if self._session is session:
            self._session = None
            self._wake.set()

    def _finish(self) -> None:
        self._end = True
        self._session = None
        self._wake.set()


def _load_open_session() -> OpenSession:
    from server.mcp_gateway.upstreams.sdk_client import open_session  # see `_serve`

    return open_session
