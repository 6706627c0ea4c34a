"""Keeps the connection to one MCP server: opened when needed, once for all who wait, watched, closed when idle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio

from server.config import Settings
from server.mcp_gateway.failures import UPSTREAM_FAILED, CallFailed, replaced, unknown_tool
from server.mcp_gateway.upstreams.child_process import STDERR_LINES
from server.mcp_gateway.upstreams.config import LaunchSpec, ServerConfig
from server.mcp_gateway.upstreams.heard import Heard
from server.mcp_gateway.upstreams.http_faults import UNAUTHORIZED, HttpFaults
from server.mcp_gateway.upstreams.life import Life
from server.mcp_gateway.upstreams.opening import load_open_session
from server.mcp_gateway.upstreams.request_failed import RequestFailed
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.standing import WANTS_LOGIN, Standing, UpstreamState
from server.mcp_gateway.upstreams.start_time import StartTime
from server.mcp_gateway.upstreams.surroundings import Surroundings
from server.mcp_gateway.upstreams.vigil import LOOK_SECONDS
from server.mcp_gateway.upstreams.watched import Watched

_log = logging.getLogger(__name__)
_SHORTEST_WAIT_SECONDS = 0.05
_RELIST_SECONDS = 0.5
"""A server that says all the time that its tools have changed is asked for them no more often."""


class Supervisor:
    """One connection. `on_open` learns what a new session offers; `on_changed` hears that the standing changed."""

    def __init__(
        self,
        config: ServerConfig,
        around: Surroundings,
        *,
        on_open: Callable[[Session], Awaitable[None]],
        on_tools_changed: Callable[[Session], Awaitable[None]],
        on_changed: Callable[[], None],
        is_known: Callable[[], bool],
        heard: Heard,
        watched: Watched,
    ) -> None:
        self.config = config
        self.standing = Standing(config.name, enabled=config.enabled)
        self.stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self.child_pid: int | None = None
        self.found_at: str | None = None
        """Where the program was found at its last start."""
        self._around = around
        self._on_open = on_open
        self._on_tools_changed = on_tools_changed
        self._on_changed = on_changed
        self._is_known = is_known
        self._heard = heard
        self._watched = watched
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Session] | None = None
        self._wake = asyncio.Event()
        self._scope: anyio.CancelScope | None = None
        self._relist = False
        self._end = False
        self._is_replaced = False
        self._is_gone = False
        """The program has ended, or the server its stream."""
        self._start_time = StartTime(around.settings, self.standing, self.stderr, on_changed)
        self._life = Life(around.clock, around.vigil, self._silent, on_a_network=config.transport != "stdio")

    @property
    def state(self) -> UpstreamState:
        """As it is known to be: what was fine before this computer slept is not, until it has answered."""
        state = self.standing.state
        return "checking" if state == "ready" and self._session is not None and self._life.has_slept() else state

    @property
    def current(self) -> Session | None:
        """The open session, if there is one at this moment."""
        return self._session

    @property
    def ready(self) -> Session | None:
        """The open session, if it needs no look at whether it lives."""
        return None if self._session is None or self._life.is_doubtful() else self._session

    async def session(self) -> Session:
        """The open session; starts the server when it is not running, once for all who wait. Raises CallFailed."""
        while True:
            session = self._session
            if session is not None:
                lives = self.ready is session or await self._life.answers(session)
                if lives and self._session is session:
                    return session
            if not self._is_ending():
                break
            # A session that was lost is on its orderly way out: nobody gets it any more.
            assert self._task is not None
            await asyncio.wait((self._task,))
        if not self.config.enabled:
            raise unknown_tool(self.config.name)
        if self._is_replaced:
            # Who has waited since then asked for what its record said before; nobody would end what is started now.
            raise replaced(self.config.name)
        if self._task is None or self._task.done() or self._end:
            refusal = self.standing.refusal(self._around.clock())
            if refusal is not None:
                raise refusal
            previous = self._task
            self._wake = asyncio.Event()
            self._end = False
            self._opened = asyncio.get_running_loop().create_future()
            # Nobody may be left waiting when it fails; the standing tells the story.
            self._opened.add_done_callback(lambda future: future.cancelled() or future.exception())
            self.standing.start(installs=False)
            self._task = asyncio.create_task(
                self._supervise(previous, self._opened), name=f"mcp server {self.config.name}"
            )
        assert self._opened is not None
        return await asyncio.shield(self._opened)

    def _is_ending(self) -> bool:
        """Whether the session was lost, and its end goes on."""
        running = self._task is not None and not self._task.done() and not self._end
        return running and self._session is None and self._opened is not None and self._opened.done()

    def used(self) -> contextlib.AbstractContextManager[None]:
        """While inside, the server is in use and not stopped for being idle."""
        return self._life.used()

    def lost(self, session: Session) -> None:
        """The session is of no further use; the next caller gets a new one."""
        if self._session is session:
            self._session = None
            self._wake.set()

    def login_refused(self, session: Session, error: RequestFailed) -> CallFailed | None:
        """Ends a session whose credential the server does not take any more; what its callers are told."""
        if self._session is not session or error.status != UNAUTHORIZED:
            return None
        self.standing.want_login()
        self.lost(session)
        return self.standing.refusal(self._around.clock())

    def relist(self) -> None:
        """The server's tools are others now; they are listed again, once for all who said so."""
        self._relist = True
        self._wake.set()

    def retire(self) -> None:
        """Its record is another now, or gone: what runs goes on until `stop`, and nothing is started any more."""
        self._is_replaced = True

    async def stop(self) -> None:
        """End the connection and its child; takes about a second at most."""
        task = self._task
        self._finish()
        if task is not None:
            if self._scope is not None:
                self._scope.cancel()
            done, _ = await asyncio.wait({task}, timeout=1.4)
            if not done:
                task.cancel()
                await asyncio.wait({task}, timeout=0.2)
        if self._task is task:
            self.standing.stop()

    async def _supervise(self, previous: asyncio.Task[None] | None, opened: asyncio.Future[Session]) -> None:
        # One task enters and leaves everything: cancel scopes may not be left by another task.
        if previous is not None and not previous.done():
            await asyncio.wait({previous})
        began = self._around.clock()
        failure: BaseException | None = None
        faults = HttpFaults()
        with anyio.CancelScope() as scope:
            self._scope = scope
            self._is_gone = False
            try:
                if not self._end and self._opened is opened:
                    await self._serve(opened, scope, faults)
            except Exception as error:  # whatever a server does wrong is its own failure, and shown as such
                failure = error
        self._session = None
        self._scope = None
        self._watched.told.clear()
        # Where the next start waits for this end already, that was asked for, and the standing is the next one's.
        is_last = self._opened is opened
        if self._end or not is_last:
            if is_last:
                self.standing.stop()
            if not opened.done():
                opened.set_exception(CallFailed(UPSTREAM_FAILED, f"The MCP server {self.config.name} was stopped."))
            self._on_changed()
            return
        if scope.cancelled_caught and failure is None:
            failure = TimeoutError()
        self._failed(opened, failure, began, faults)

    def _failed(
        self, opened: asyncio.Future[Session], failure: BaseException | None, began: float, faults: HttpFaults
    ) -> None:
        from server.mcp_gateway.upstreams.reasons import trouble_of  # here the SDK is loaded already

        if isinstance(failure, TimeoutError) and not opened.done():
            failure = TimeoutError(self._start_time.over)
        refused = self.standing.state == "needs_login"  # found out in a call; what came after it says nothing
        trouble = WANTS_LOGIN if refused else trouble_of(failure, self.stderr, faults)
        now = self._around.clock()
        self.standing.fail(
            trouble,
            now,
            lived=now - began,
            was_ready=opened.done(),
            allowed=self._current.mcp_failures_allowed,
            jitter=random.uniform(0.8, 1.2),
        )
        _log.warning("MCP server %s %s: %s", self.config.name, self.standing.state, trouble.text)
        if not opened.done():
            opened.set_exception(
                (self.standing.waits_for_a_person and self.standing.refusal(now))
                or CallFailed(
                    UPSTREAM_FAILED,
                    f"The MCP server {self.config.name} could not be started: {trouble.reason}",
                    {"server": self.config.name},
                )
            )
        self._on_changed()

    async def _serve(self, opened: asyncio.Future[Session], scope: anyio.CancelScope, faults: HttpFaults) -> None:
        # The SDK costs 0.5 s and 30 MB: imported off the loop, and only when a server is really used.
        open_session, spec = await asyncio.gather(asyncio.to_thread(load_open_session), self._whole_spec())
        async with contextlib.AsyncExitStack() as stack:
            # What came so far was our own time, and none of the server's.
            with self._start_time.kept(scope, installs=self.config.installs and not self._is_known()):
                session = await stack.enter_async_context(
                    open_session(
                        spec,
                        stderr=self.stderr,
                        guardian=self._around.guardian,
                        faults=faults,
                        heard=self._heard,
                        tap=self._around.watches.tap(self.config.id, self.config.person),
                        on_child=self._child_changed,
                        on_end=self._stream_ended,
                    )
                )
                await self._on_open(session)
                if self._is_gone:
                    raise ConnectionError("The server closed the connection before it was ready.")
            self._session = session
            self.standing.ready()
            self._life.begin()
            opened.set_result(session)
            self._on_changed()
            async with anyio.create_task_group() as group:
                group.start_soon(session.watch, self._watched, self._heard.missed)
                await self._stay(session)
                group.cancel_scope.cancel()
            # From here on nobody gets this session: what follows is the orderly end.
            self._session = None

    async def _whole_spec(self) -> LaunchSpec:
        """With the program's whole path, and a PATH on which it finds its own helpers."""
        spec = await self._around.launch_spec(self.config)
        if spec.transport != "stdio":
            return spec
        programs = self._around.programs
        program = await programs.find(spec.command, spec.env.get("PATH"), spec.cwd)
        self.found_at = program.found_at
        return replace(
            spec,
            command=program.found_at,
            env={**spec.env, "PATH": program.path},
            cwd=programs.expanded(spec.cwd) if spec.cwd else None,
        )

    async def _stay(self, session: Session) -> None:
        """Until the end is asked for, the session is lost, or nobody used the server for the idle time."""
        relist_at = anyio.current_time()
        while not self._end and self._session is session:
            idle = self._current.mcp_idle_seconds
            left = max(_SHORTEST_WAIT_SECONDS, idle - self._life.unused_for())
            if self._relist:
                left = max(0.0, relist_at - anyio.current_time())
            try:
                async with asyncio.timeout(min(left, LOOK_SECONDS)):
                    await self._wake.wait()
            except TimeoutError:
                if self._relist:
                    self._wake.set()
                elif not self._life.in_use and self._life.is_doubtful():
                    await self._life.answers(session)
                if self._life.in_use or self._watched:
                    self._life.touch()
                elif self._life.unused_for() >= idle:
                    self._finish()
                continue
            self._wake.clear()
            if self._relist and not self._end and self._session is session and anyio.current_time() >= relist_at:
                self._relist = False
                relist_at = anyio.current_time() + _RELIST_SECONDS
                await self._on_tools_changed(session)

    def _silent(self, session: Session) -> None:
        if self._session is session:
            _log.info("MCP server %s gives no sign of life; it is connected anew at its next use", self.config.name)
            self._finish()

    @property
    def _current(self) -> Settings:
        return self._around.settings.current

    def _child_changed(self, pid: int | None) -> None:
        self.child_pid = pid
        self._is_gone = pid is None
        if pid is None and self._session is not None:
            # The program is gone, or has closed its end: known before somebody's call falls into the hole.
            self.lost(self._session)

    def _stream_ended(self) -> None:
        self._is_gone = True
        # Proxies end idle streams all the time: that is no failure, and the next use connects anew.
        if self._session is not None:
            self._finish()

    def _finish(self) -> None:
        self._end = True
        self._session = None
        self._wake.set()
