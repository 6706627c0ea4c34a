"""The gateway: all MCP servers of this installation, who may use them, and every call on its way to one of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from server.access.actor import SYSTEM, Actor
from server.config import SettingsHolder
from server.errors import Conflict, Forbidden, NotFound
from server.events.bus import Bus, RecordChanged
from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.call_limits import CallLimits
from server.mcp_gateway.catalogue.names import public_name, server_of
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import circuit_open, unknown_tool
from server.mcp_gateway.sign_in.sign_ins import MODEL as SIGN_INS
from server.mcp_gateway.sign_in.sign_ins import SignIns
from server.mcp_gateway.upstreams.config import LaunchSpec, ServerConfig
from server.mcp_gateway.upstreams.process_guardian import Guardian
from server.mcp_gateway.upstreams.programs import Programs
from server.mcp_gateway.upstreams.references import refers_to_secrets, resolved
from server.mcp_gateway.upstreams.standing import Trouble
from server.mcp_gateway.upstreams.supervisor import Surroundings
from server.mcp_gateway.upstreams.upstream import Upstream
from server.mcp_gateway.upstreams.vigil import Vigil
from server.mcp_gateway.virtual_server import VirtualServer
from server.records.service import Records

if TYPE_CHECKING:
    from server.mcp_gateway.upstreams.pending_calls import Progress

log = logging.getLogger(__name__)

MODEL = "mcp_servers"
SECRETS = "secrets"
LIST_WAIT_SECONDS = 10.0
"""A list waits this long for servers that were never listed before; the others are not held up longer."""


class Gateway:
    """Owns the upstreams. The policy is asked on every list and every call, whatever way it came."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        bus: Bus,
        sign_ins: SignIns,
        activity: Activity,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._settings = settings
        self._clock = clock
        self._sign_ins = sign_ins
        self._activity = activity
        self._around = Surroundings(
            settings=settings,
            launch_spec=self._launch_spec,
            guardian=Guardian(),
            programs=Programs(),
            clock=clock,
            vigil=Vigil(clock),
        )
        self._upstreams: dict[int, Upstream] = {}
        self._virtual: dict[str, VirtualServer] = {}
        self._personal: dict[tuple[int, int], Upstream] = {}
        """Connections of one person each, by server and person."""
        self._limits = CallLimits(settings, clock)
        self._referring: set[int] = set()
        """Servers that named a secret at their last start."""
        self._reload_lock = asyncio.Lock()
        self._reloads: set[asyncio.Task[None]] = set()
        self._gone: list[Callable[[str], None]] = []
        self._unsubscribe = bus.subscribe(self._changed, (MODEL, SECRETS, SIGN_INS))

    async def start(self) -> None:
        """Learn the configured servers. None is started before somebody asks for it."""
        for row in await self._records.find(SYSTEM, MODEL):
            config = ServerConfig.of(row)
            self._upstreams[config.id] = self._upstream(config)

    async def stop(self) -> None:
        """End every connection and child."""
        self._unsubscribe()
        # A reload may be about to end an old child; left half way, that child would stay.
        await asyncio.gather(*self._reloads, return_exceptions=True)
        await asyncio.gather(*(upstream.stop() for upstream in self._all()), return_exceptions=True)
        await asyncio.to_thread(self._around.guardian.stop)

    def host(self, server: VirtualServer) -> None:
        """Offer a server that is part of this program."""
        self._virtual[server.name] = server

    def unhost(self, name: str) -> None:
        """Offer a server of this program no longer."""
        self._virtual.pop(name, None)
        for callback in self._gone:
            callback(name)

    def on_gone(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the name of a server that was changed, renamed or deleted."""
        self._gone.append(callback)

    # What a caller sees

    def visible(self, actor: Actor) -> list[Upstream]:
        """The servers whose tools `actor` may use, by name."""
        allowed = [
            self._theirs(actor, upstream) for upstream in self._upstreams.values() if self._is_for(upstream, actor)
        ]
        return sorted(allowed, key=lambda upstream: upstream.config.name)

    def find(self, actor: Actor, server: str) -> Upstream | None:
        """The server `server`, if `actor` may use it."""
        return next((upstream for upstream in self.visible(actor) if upstream.config.name == server), None)

    def serves(self, actor: Actor, server: str) -> bool:
        """Whether there is a server of this name for `actor`."""
        virtual = self._virtual.get(server)
        return bool(virtual.tools(actor)) if virtual is not None else self.find(actor, server) is not None

    async def tools(self, actor: Actor, server: str | None = None) -> list[Tool]:
        """The tools that `actor` may call: of one server, or of all in stable order."""
        upstreams = [up for up in self.visible(actor) if server is None or up.config.name == server]
        wait = min(LIST_WAIT_SECONDS, self._settings.current.mcp_start_timeout_seconds)
        lists = await asyncio.gather(*(upstream.tools(wait) for upstream in upstreams))
        virtual = [own.tools(actor) for name, own in self._virtual.items() if server in (None, name)]
        return [tool for tools in (*lists, *virtual) for tool in tools.values()]

    def known_tool(self, name: str, server: str | None = None) -> Tool | None:
        """A tool by the name that its endpoint gives it, from memory and for everybody: for its schema alone."""
        for upstream in self._all():
            if server is None:
                found = upstream.known_tools.get(name)
            elif upstream.config.name == server:
                found = _by_own_name(upstream.known_tools, name)
            else:
                continue
            if found is not None:
                return found
        return None

    def upstream_of(self, name: str, server: str | None = None) -> Upstream | None:
        """Whose tool a name is, from memory and for everybody: only to choose how a call is answered."""
        for upstream in self._upstreams.values():
            own = upstream.config.name
            if own == server or (server is None and name.startswith(f"{own}__")):
                tools = upstream.known_tools
                found = name in tools if server is None else public_name(own, name) in tools
                if found:
                    return upstream
        return None

    async def call(
        self,
        actor: Actor,
        name: str,
        arguments: dict[str, Any] | None,
        *,
        server: str | None = None,
        meta: dict[str, Any] | None = None,
        progress: Progress | None = None,
        client: str | None = None,
    ) -> dict[str, Any]:
        """Call a tool by its public name, or with `server` by its own name. Raises CallFailed.

        `client` is the program that asks, as it names itself.
        """
        with self._activity.watch(actor, name, arguments, client) as call:
            own = self._own_tool(actor, name, server)
            if own is not None:
                virtual, tool = own
                call.of(virtual.name, tool.name)
                self._limits.count(actor, virtual.name)
                return call.answered(await virtual.call(actor, tool, arguments))
            upstream, tool = await self._tool(actor, name, server)
            call.of(upstream.config.name, tool.name)
            self._limits.count(actor, upstream.config.name)
            return call.answered(await upstream.call(tool, arguments, meta, progress))

    async def check(self, actor: Actor, name: str) -> None:
        """Raise CallFailed if a call of `name` would be refused now; nothing is counted or called."""
        own = self._own_tool(actor, name, None)
        if own is not None:
            server, resting = own[0].name, 0.0
        else:
            upstream, _ = await self._tool(actor, name, None)
            server, resting = upstream.config.name, upstream.breaker.retry_after(self._clock())
        self._limits.check(actor, server)
        if resting:
            raise circuit_open(server, resting)

    def config_for(self, actor: Actor, server_id: int) -> ServerConfig:
        """The server with this id, if `actor` may use it or is an admin. Raises NotFound."""
        upstream = self._upstreams.get(server_id)
        if upstream is None or not (actor.is_admin or self._is_for(upstream, actor)):
            raise NotFound(f"There is no MCP server {server_id}.")
        return upstream.config

    def state_for(self, actor: Actor) -> list[dict[str, Any]]:
        """What runs and what does not. Admins also see disabled servers, and why one failed."""
        shown = (
            [self._theirs(actor, upstream) for upstream in self._upstreams.values()]
            if actor.is_admin
            else self.visible(actor)
        )
        return [self._state(actor, upstream) for upstream in sorted(shown, key=lambda upstream: upstream.config.name)]

    async def restart(self, actor: Actor, server_id: int) -> dict[str, Any]:
        """End a server and start it again now. Admins only."""
        if not actor.is_admin:
            raise Forbidden("Only admins restart MCP servers.")
        config = self.config_for(actor, server_id)
        upstream = self._theirs(actor, self._upstreams[config.id])
        await upstream.stop()
        upstream.forget_failures()
        if upstream.config.enabled:
            await upstream.tools(min(LIST_WAIT_SECONDS, self._settings.current.mcp_start_timeout_seconds))
        return self._state(actor, upstream)

    def metrics_for(self, actor: Actor) -> dict[str, Any]:
        """Calls, outcomes and latencies since the start, of the servers that `actor` may use."""
        servers = {upstream.config.name for upstream in self.visible(actor)} | {
            name for name, own in self._virtual.items() if own.tools(actor)
        }
        return self._activity.told(servers, everything=actor.is_admin)

    def standing(self) -> list[tuple[str, str, str]]:
        """Name, state and breaker of every server, for numbers of the whole."""
        now = self._clock()
        return [(up.config.name, up.state, up.breaker.state(now)) for up in self._upstreams.values()]

    # Parts

    def _is_for(self, upstream: Upstream, actor: Actor) -> bool:
        # One from before a name became ours would stand in the way of the program's own server.
        return upstream.config.may_use(actor) and upstream.config.name not in self._virtual

    def _own_tool(self, actor: Actor, name: str, server: str | None) -> tuple[VirtualServer, Tool] | None:
        """A tool of a server that is part of this program; None: another server has the name. Raises CallFailed."""
        virtual = self._virtual.get((server_of(name) or "") if server is None else server)
        if virtual is None:
            return None
        tools = virtual.tools(actor)
        found = tools.get(name) if server is None else tools.get(public_name(server, name))
        if found is None:
            raise unknown_tool(name)
        return virtual, found

    async def _tool(self, actor: Actor, name: str, server: str | None) -> tuple[Upstream, Tool]:
        for upstream in self._upstreams.values():
            own = upstream.config.name
            if own != server if server is not None else not name.startswith(f"{own}__"):
                continue
            if not self._is_for(upstream, actor):
                continue
            upstream = self._theirs(actor, upstream)
            tools = upstream.known_tools or await upstream.tools(upstream.start_wait)
            found = tools.get(name) if server is None else _by_own_name(tools, name)
            if found is not None:
                return upstream, found
            if not tools and (refusal := upstream.refusal()) is not None:
                raise refusal
        raise unknown_tool(name)

    def _state(self, actor: Actor, upstream: Upstream) -> dict[str, Any]:
        config, supervisor = upstream.config, upstream.supervisor
        return {
            "id": config.id,
            "name": config.name,
            "transport": config.transport,
            "enabled": config.enabled,
            "state": upstream.state,
            "error": _told(actor, upstream.trouble),
            "may_sign_in": upstream.state == "needs_login" and (actor.is_admin or config.signs_in_each),
            "found_at": supervisor.found_at if actor.is_admin else None,
            "stderr": list(supervisor.stderr) if actor.is_admin else [],
            "tools": [tool.summary() for tool in upstream.known_tools.values()],
            "breaker": upstream.breaker.state(self._clock()),
            "retry_after": round(upstream.retry_after, 3),
        }

    def _theirs(self, actor: Actor, upstream: Upstream) -> Upstream:
        """The connection that `actor` uses: their own where everybody signs in for themselves."""
        config, person = upstream.config, actor.user_id
        if not config.signs_in_each or person is None:
            return upstream
        if (config.id, person) not in self._personal:
            self._personal[config.id, person] = self._upstream(replace(config, person=person))
        return self._personal[config.id, person]

    def _upstream(self, config: ServerConfig) -> Upstream:
        return Upstream(config, self._around, on_tools_changed=lambda _upstream: None)

    def _all(self) -> list[Upstream]:
        return [*self._upstreams.values(), *self._personal.values()]

    async def _launch_spec(self, config: ServerConfig) -> LaunchSpec:
        server_id = config.id
        spec = LaunchSpec.of(await self._records.reveal(SYSTEM, MODEL, server_id))
        if lost := await self._records.emptied(SYSTEM, MODEL, server_id):
            raise Conflict(
                f"Its {' and '.join(lost)} came without the key that opens it, and was emptied: set it again.",
                code="secret_lost",
            )
        if config.transport != "stdio":
            spec = replace(spec, auth=await self._sign_ins.auth_for(config, spec.url))
        self._referring.discard(server_id)
        if not (refers_to_secrets(spec.env) or refers_to_secrets(spec.headers)):
            return spec
        self._referring.add(server_id)
        return replace(spec, env=resolved(spec.env, self._secret), headers=resolved(spec.headers, self._secret))

    def _secret(self, name: str) -> str | None:
        row = self._records.look_up(SYSTEM, SECRETS, "name", name)
        return None if row is None else row["value"] or None

    def _changed(self, event: RecordChanged) -> None:
        # Whichever secret it is: servers that named one at their start have an old value now, or had none.
        if event.model == SIGN_INS:
            # A renewed token changes nothing for the connection that renewed it.
            if event.verb != "update":
                self._soon(self._reload_signed_in(event.record_id))
            return
        for server_id in [event.record_id] if event.model == MODEL else list(self._referring):
            self._soon(self._reload(server_id))

    def _soon(self, reload: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(reload)
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload_signed_in(self, sign_in_id: int) -> None:
        server_id = await self._sign_ins.server_of(sign_in_id)
        if server_id is not None:
            await self._reload(server_id)

    async def _reload(self, server_id: int) -> None:
        async with self._reload_lock:
            try:
                config = ServerConfig.of(await self._records.get(SYSTEM, MODEL, server_id))
            except NotFound:
                config = None
            old = self._upstreams.pop(server_id, None)
            keys = [key for key in self._personal if key[0] == server_id]
            others = [self._personal.pop(key) for key in keys]
            if config is not None:
                self._upstreams[server_id] = self._upstream(config)
            if old is not None:
                for callback in self._gone:
                    callback(old.config.name)
                await asyncio.gather(*(one.stop() for one in (old, *others)), return_exceptions=True)


def _told(actor: Actor, trouble: Trouble | None) -> str | None:
    """Admins hear everything; what it says of this computer's folders and programs is not for others."""
    if trouble is None:
        return None
    return trouble.text if actor.is_admin or trouble.wants_login else "It could not be started."


def _by_own_name(tools: dict[str, Tool], name: str) -> Tool | None:
    return next((tool for tool in tools.values() if tool.name == name), None)
