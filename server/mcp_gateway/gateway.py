"""The gateway: all MCP servers of this installation, who may use them, and every call on its way to one of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from server.access.actor import Actor
from server.config import SettingsHolder
from server.errors import Conflict, NotFound
from server.events.bus import Bus
from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.call_limits import CallLimits
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.names import server_of
from server.mcp_gateway.catalogue.own_tools import OwnTools
from server.mcp_gateway.catalogue.store import ToolCatalogue
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import circuit_open, unknown_tool, waits_for_approval
from server.mcp_gateway.hosted import Hosted, served_by
from server.mcp_gateway.messages.in_process import noted
from server.mcp_gateway.messages.watches import MessageWatches
from server.mcp_gateway.own_texts import OwnText, OwnTexts
from server.mcp_gateway.plugin_servers import PluginServers
from server.mcp_gateway.policy.approvals import Approvals
from server.mcp_gateway.policy.asked_call import thing
from server.mcp_gateway.policy.asking import Asking
from server.mcp_gateway.policy.rule import Effect
from server.mcp_gateway.policy.tool_policy import ToolPolicy
from server.mcp_gateway.sign_in.sign_ins import SignIns
from server.mcp_gateway.upstreams.config import ServerConfig
from server.mcp_gateway.upstreams.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, TOOLS_CHANGED, Notice, Notices
from server.mcp_gateway.upstreams.pool import UpstreamPool
from server.mcp_gateway.upstreams.upstream import Upstream
from server.mcp_gateway.virtual_server import VirtualServer
from server.records.service import Records

log = logging.getLogger(__name__)

LIST_WAIT_SECONDS = 10.0
"""A list waits this long for servers that were never listed before; the others are not held up longer."""

COMPLETE = "completion/complete"


class Gateway:
    """Owns the upstreams. The policy is asked on every list and every call, whatever way it came."""

    def __init__(
        self,
        records: Records,
        settings: SettingsHolder,
        bus: Bus,
        sign_ins: SignIns,
        activity: Activity,
        policy: ToolPolicy,
        catalogue: ToolCatalogue,
        approvals: Approvals,
        own_tools: OwnTools,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._activity = activity
        self._policy = policy
        self.asking = Asking(policy, approvals)
        self._pool = UpstreamPool(records, settings, bus, sign_ins, catalogue, clock=clock)
        self.hosted = Hosted(policy, own_tools)
        self.plugin_servers = PluginServers(records, self._pool, self.hosted)
        self.own_texts = OwnTexts(policy)
        self.limits = CallLimits(settings, clock)
        self._unhosted: list[Callable[[str], None]] = []

    async def start(self) -> None:
        """Learn the configured servers. None is started before somebody asks for it."""
        await self._pool.start()

    async def stop(self) -> None:
        """End every connection and child."""
        await self._pool.stop()

    def host(self, server: VirtualServer) -> None:
        """Offer a server that is part of this program. Raises Conflict when another has its name."""
        if self._pool.named(server.name) is not None:
            raise Conflict(f"There is an MCP server named {server.name} already.", code="name_taken")
        self.hosted.add(server)
        self.notices.tell(Notice(TOOLS_CHANGED))

    def unhost(self, name: str) -> None:
        """Offer a server of this program no longer."""
        self.hosted.remove(name)
        self.watches.forget(name)
        self.notices.tell(Notice(TOOLS_CHANGED))
        for callback in self._unhosted:
            callback(name)

    def offer_texts(self, server: str, texts: Sequence[OwnText]) -> None:
        """Offer these prompts and resources of a server of this program, and no others of it."""
        self.own_texts.put(server, texts)
        for method in (PROMPTS_CHANGED, RESOURCES_CHANGED):
            self.notices.tell(Notice(method))

    def own_names(self) -> list[str]:
        """The names of servers that are part of this program or of its plugins."""
        return self.hosted.names()

    def on_gone(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the name of a server that was changed, renamed or deleted."""
        self._unhosted.append(callback)
        self._pool.on_gone(callback)

    @property
    def list_wait(self) -> float:
        """Seconds that a list waits for a server."""
        return min(LIST_WAIT_SECONDS, self._settings.current.mcp_start_timeout_seconds)

    # What a caller sees

    def visible(self, actor: Actor) -> list[Upstream]:
        """The servers whose tools `actor` may use, by name."""
        allowed = [
            self._pool.of(actor, upstream) for upstream in self._pool.servers() if self._is_for(upstream.config, actor)
        ]
        return sorted(allowed, key=lambda upstream: upstream.config.name)

    def visible_whole(self, actor: Actor) -> list[Upstream]:
        """Those of them that `actor` may use for more than single tools: their prompts and resources."""
        return [up for up in self.visible(actor) if self._policy.reaches_whole(actor, up.config.served(actor))]

    @property
    def notices(self) -> Notices:
        """What servers tell by themselves, for whoever listens."""
        return self._pool.notices

    @property
    def watches(self) -> MessageWatches:
        """Which servers an admin watches, and what passed meanwhile."""
        return self._pool.watches

    def hears(self, actor: Actor, config: ServerConfig, *, whole: bool) -> bool:
        """Whether `actor` may hear what a connection tells; `whole`: of more than single tools."""
        if config.person not in (None, actor.user_id) or not self._is_for(config, actor):
            return False
        return not whole or self._policy.reaches_whole(actor, config.served(actor))

    def find(self, actor: Actor, server: str) -> Upstream | None:
        """The server `server`, if `actor` may use it."""
        return next((upstream for upstream in self.visible(actor) if upstream.config.name == server), None)

    def serves(self, actor: Actor, server: str) -> bool:
        """Whether there is a server of this name for `actor`."""
        if server in self.hosted:
            return bool(self.hosted.tools(actor, server) or self.hosted.resources(actor, server))
        return self.find(actor, server) is not None

    async def tools(self, actor: Actor, server: str | None = None, caller: Caller | None = None) -> list[Tool]:
        """The tools that `actor` may call: of one server, or of all in stable order. `caller`: whom servers may ask."""
        upstreams = [up for up in self.visible(actor) if server is None or up.config.name == server]
        lists = await asyncio.gather(*(upstream.tools(self.list_wait, caller) for upstream in upstreams))
        theirs = [self._usable(actor, *pair) for pair in zip(upstreams, lists, strict=True)]
        hosted = [self.hosted.tools(actor, name) for name in self.hosted.names() if server in (None, name)]
        return [tool for tools in (*theirs, *hosted) for tool in tools.values()]

    async def tools_of(self, actor: Actor, server_id: int) -> list[Tool]:
        """The tools of one server, for who may use it and for admins. Raises NotFound."""
        upstream = self.server_for(actor, server_id)
        return list(self.told_tools(actor, upstream, await upstream.tools(self.list_wait)))

    def told_tools(self, actor: Actor, upstream: Upstream, tools: Mapping[str, Tool]) -> Iterable[Tool]:
        """Of a server's tools those that `actor` is told of: admins of all, also of those that they may not call."""
        return (tools if actor.is_admin else self._usable(actor, upstream, tools)).values()

    def known_tool(self, actor: Actor, name: str, server: str | None = None) -> Tool | None:
        """A tool as `actor` has it, from memory, by the name that its endpoint gives it.

        For its schema alone: whether they may call it is asked later.
        """
        upstream = self._named(name, server)
        if upstream is not None:
            found = self._pool.used_by(actor, upstream).offered.find(name, by_own_name=server is not None)
            if found is not None:
                return found
        return self.hosted.known(actor, name, server)

    def definition_for(self, actor: Actor, server_id: int, key: str) -> tuple[Tool, bool] | None:
        """A tool of a server as `actor`'s own connection lists it, and whether it waits for approval.

        None where they have none, or it has no such tool. `key`: under what the catalogue keeps it.
        """
        upstream = self._pool.of_id(server_id)
        own = None if upstream is None else self._pool.used_by(actor, upstream)
        return None if own is None or own is upstream else own.offered.by_key(key)

    def callable_tool(self, actor: Actor, name: str, server: str | None = None) -> tuple[Upstream, Tool] | None:
        """A tool and whose it is, from memory, if `actor` may call it: to choose how a call is answered."""
        upstream = self._named(name, server)
        tool = None if upstream is None else upstream.offered.find(name, by_own_name=server is not None)
        if upstream is None or tool is None or not self._is_for(upstream.config, actor):
            return None
        return None if self._effect(actor, upstream, tool) == "deny" else (upstream, tool)

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: dict[str, Any] | None,
        meta: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        found: tuple[Upstream, Tool] | None = None,
    ) -> dict[str, Any]:
        """Call a tool by the name that the caller's endpoint gives it. Raises CallFailed.

        `more` are further parameters for its server: the answers to what it asked for before. `found`: what
        `callable_tool` gave for the same caller and name within this turn of the loop.
        """
        actor = caller.actor
        with self._activity.watch(caller, name, arguments) as call:
            own = None if found is not None else self.hosted.find(actor, name, caller.server)
            if own is not None:
                virtual, tool = own
                call.of(virtual.name, tool.name)
                self.limits.count(actor, virtual.name)
                await self.asking.about_tool(caller, served_by(virtual.name), "", tool, arguments)
                result = virtual.call(actor, tool, arguments)
                if (watch := self.watches.of(virtual.name)).ring is not None:
                    result = noted(watch, tool.name, arguments, result)
                return call.answered(await result)
            # Where everybody signs in for themselves, the caller's own connection has its own tools.
            if found is None or found[0].config.signs_in_each:
                found = await self._tool(caller, name, caller.server)
            upstream, tool = found
            config = upstream.config
            call.of(config.name, tool.name)
            self.limits.count(actor, config.name, config)
            if resting := upstream.requests.breaker.retry_after(self._clock()):
                # Nobody is asked about a call, and no approval used up, that can't be made now.
                raise circuit_open(config.name, resting)
            served = config.served(actor)
            needed = await self.asking.about_tool(caller, served, config.identity, tool, arguments)
            again = self.asking.again(caller, served, tool, needed)
            answer = upstream.requests.call(tool, arguments, meta, caller, more, again=again)
            return call.answered(await self.asking.gone_on(needed, answer))

    def count(self, caller: Caller, upstream: Upstream, *, typing: bool = False) -> None:
        """Count a request that is no call of a tool. Raises CallFailed when it is over the limit.

        `typing`: it is asked while somebody writes, and takes none of their calls away.
        """
        self.limits.count(caller.actor, upstream.config.name, upstream.config, typing=typing or caller.typing)

    async def request(
        self,
        caller: Caller,
        upstream: Upstream,
        method: str,
        params: Mapping[str, Any],
        meta: Mapping[str, Any] | None,
        about: Tool | None,
    ) -> dict[str, Any]:
        """Pass on a request that is no call of a tool. `about`: what it gets, which a rule may want to be approved.

        Raises CallFailed.
        """
        self.count(caller, upstream, typing=method == COMPLETE)
        needed = None if about is None else await self.approved(caller, upstream, params, about)
        again = self.asking.whole_again(caller, upstream.config.served(caller.actor), needed)
        answer = upstream.requests.pass_on(method, params, meta, caller, again=again)
        return await self.asking.gone_on(needed, answer)

    async def approved(self, caller: Caller, upstream: Upstream, params: Mapping[str, Any], about: Tool) -> int | None:
        """The approval of what is no call of a tool, None where no rule wants one. Raises CallFailed."""
        config, served = upstream.config, upstream.config.served(caller.actor)
        resting = upstream.requests.breaker.retry_after(self._clock())
        if resting and self.asking.is_about_whole(caller.actor, served):
            raise circuit_open(config.name, resting)
        return await self.asking.about_whole(caller, served, config.identity, about, params)

    async def read_own(
        self, caller: Caller, server: str, uri: str, version: str, method: str = "resources/read"
    ) -> None:
        """Count a read of a resource of this program; a rule may want it to be approved. Raises CallFailed."""
        served = served_by(server)
        self.limits.count(caller.actor, server)
        await self.asking.about_whole(caller, served, "", thing(server, method, uri, None, version), {"uri": uri})

    async def check(self, caller: Caller, name: str, arguments: dict[str, Any] | None) -> None:
        """Raise CallFailed if a call of `name` would be refused now; nothing is counted, used up or called."""
        actor = caller.actor
        own = self.hosted.find(actor, name, None)
        if own is not None:
            server, config, resting = own[0].name, None, 0.0
            about = served_by(server), "", own[1]
        else:
            upstream, tool = await self._tool(caller, name, None)
            config, resting = upstream.config, upstream.requests.breaker.retry_after(self._clock())
            server, about = config.name, (config.served(actor), config.identity, tool)
        self.limits.check(actor, server, config)
        if resting:
            raise circuit_open(server, resting)
        await self.asking.about_tool(caller, *about, arguments, use=False)

    def limit_wait(self, actor: Actor, server: str, config: ServerConfig | None = None) -> float:
        """Seconds until `actor` may call a server again for the limit of calls, 0 when they may now."""
        return self.limits.wait(actor, server, config)

    def config_for(self, actor: Actor, server_id: int) -> ServerConfig:
        """The server with this id, if `actor` may use it or is an admin. Raises NotFound."""
        return self._shown(actor, server_id).config

    def servers_for(self, actor: Actor) -> list[Upstream]:
        """The servers that `actor` is told of, by name: admins of all, also of disabled ones."""
        if not actor.is_admin:
            return self.visible(actor)
        servers = [self._pool.of(actor, upstream) for upstream in self._pool.servers()]
        return sorted(servers, key=lambda upstream: upstream.config.name)

    def server_for(self, actor: Actor, server_id: int) -> Upstream:
        """One of them, as `actor` has it. Raises NotFound."""
        return self._pool.of(actor, self._shown(actor, server_id))

    async def refresh(self, actor: Actor, server_id: int) -> None:
        """Ask a server for its tools now. Raises NotFound, CallFailed."""
        upstream = self.server_for(actor, server_id)
        await upstream.refresh(upstream.start.seconds)

    def standing(self) -> list[tuple[str, str, str]]:
        """Name, state and breaker of every server, for numbers of the whole."""
        now = self._clock()
        return [(up.config.name, up.state, up.requests.breaker.state(now)) for up in self._pool.servers()]

    # Parts

    def _shown(self, actor: Actor, server_id: int) -> Upstream:
        upstream = self._pool.of_id(server_id)
        if upstream is None or not (actor.is_admin or self._is_for(upstream.config, actor)):
            raise NotFound(f"There is no MCP server {server_id}.")
        return upstream

    def _is_for(self, config: ServerConfig, actor: Actor) -> bool:
        # One from before a name became ours would stand in the way of the program's own server.
        return config.enabled and config.name not in self.hosted and self._policy.reaches(actor, config.served(actor))

    def _effect(self, actor: Actor, upstream: Upstream, tool: Tool) -> Effect:
        return self._policy.effect(actor, upstream.config.served(actor), tool)

    def _usable(self, actor: Actor, upstream: Upstream, tools: Mapping[str, Tool]) -> Mapping[str, Tool]:
        return self._policy.usable(actor, upstream.config.served(actor), tools)

    async def _tool(self, caller: Caller, name: str, server: str | None) -> tuple[Upstream, Tool]:
        actor = caller.actor
        upstream = self._named(name, server)
        if upstream is None or not self._is_for(upstream.config, actor):
            raise unknown_tool(name)
        upstream = self._pool.of(actor, upstream)
        offered = upstream.offered
        if not (tools := offered.by_public_name):
            tools = await upstream.tools(upstream.start.seconds, caller)
            offered = upstream.offered
        found = offered.find(name, by_own_name=server is not None)
        if found is not None and self._effect(actor, upstream, found) != "deny":
            return upstream, found
        waiting = offered.find_waiting(name, by_own_name=server is not None)
        if waiting is not None and self._effect(actor, upstream, waiting) != "deny":
            raise waits_for_approval(name, owned=upstream.config.owner is not None)
        if not tools and (refusal := upstream.refusal()) is not None:
            raise refusal
        raise unknown_tool(name)

    def _named(self, name: str, server: str | None) -> Upstream | None:
        """The server of a tool, by the name that an endpoint gives the tool."""
        return self._pool.named(server_of(name) if server is None else server)
