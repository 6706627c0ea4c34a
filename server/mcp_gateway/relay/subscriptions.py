"""Resources whose changes a client wants to hear of: asked of their server once, however many want them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from server.mcp_gateway.activity.activity import Activity
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.catalogue.tool import Tool
from server.mcp_gateway.failures import INTERNAL_ERROR, INVALID_PARAMS, CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.relay import Relay
from server.mcp_gateway.upstreams.notices import RESOURCES_CHANGED, Notice
from server.mcp_gateway.upstreams.session import Session
from server.mcp_gateway.upstreams.upstream import Upstream


@dataclass(eq=False, slots=True)
class Subscription:
    """One client's wish. It follows its server to the connection that replaces another."""

    caller: Caller
    upstream: Upstream
    uri: str


class Subscriptions:
    """Begins and ends them. A server with one is not stopped for being idle."""

    def __init__(self, gateway: Gateway, relay: Relay, activity: Activity) -> None:
        self._gateway = gateway
        self._relay = relay
        self._activity = activity
        self._ending: set[asyncio.Task[None]] = set()
        self._held: set[Subscription] = set()
        self._asking: dict[tuple[Upstream, str], asyncio.Future[bool]] = {}
        """Servers of the older eras that are being asked to tell of a resource, and whether they will."""
        self._deaf = gateway.notices.listen(self._hear)

    async def begin(self, caller: Caller, uri: str) -> Subscription:
        """From now on its server tells. Raises CallFailed."""
        with self._activity.watch(caller, f"resources/subscribe {uri}", None) as call:
            upstream = await self._relay.of_resource(caller, uri)
            server = upstream.config.name
            call.of(server, f"resources/subscribe {uri}")
            self._gateway.count(caller, upstream)
            about = self._relay.about(upstream, "resources/subscribe", uri)
            needed = await self._gateway.approved(caller, upstream, {"uri": uri}, about)
            held = Subscription(caller, upstream, uri)
            await self._gateway.asking.gone_on(needed, self._begin(held, needed))
            return held

    def end(self, caller: Caller, subscription: Subscription) -> None:
        """It is not wanted any more."""
        self._held.discard(subscription)
        upstream = subscription.upstream
        session = upstream.supervisor.current
        if not upstream.watched.remove(subscription.uri) or session is None or session.is_modern:
            return
        task = asyncio.get_running_loop().create_task(self._unsubscribe(caller, subscription))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def stop(self) -> None:
        """All servers end now: none need be told."""
        self._deaf()
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _hear(self, notice: Notice) -> None:
        """A server whose record was changed has another connection, which knows nothing of what was wanted before."""
        if notice.method != RESOURCES_CHANGED or notice.before is None:
            return
        server = notice.before.config.id
        for held in [one for one in self._held if one.upstream.config.id == server]:
            # Where it is gone, off or not for them any more, nothing of it is to be heard, until it is again.
            now = next((one for one in self._gateway.visible(held.caller.actor) if one.config.id == server), None)
            if now is not None and now is not held.upstream:
                held.upstream.watched.remove(held.uri)
                held.upstream = now
                now.watched.add(held.uri)
                now.want_news()

    async def _begin(self, held: Subscription, approval: int | None) -> dict[str, Any]:
        """The result: an empty one."""
        caller, upstream = held.caller, held.upstream
        try:
            session = await self._opened(held, approval)
        except CallFailed as failed:
            failed.not_made = True
            raise
        self._held.add(held)
        first = upstream.watched.add(held.uri)
        try:
            if session.is_modern:
                await upstream.watched.settled()
            else:
                await self._ask(caller, upstream, held.uri, first=first)
        except BaseException:
            self._held.discard(held)
            held.upstream.watched.remove(held.uri)
            raise
        return {}

    async def _opened(self, held: Subscription, approval: int | None) -> Session:
        caller, upstream = held.caller, held.upstream
        session = await upstream.open(upstream.start.seconds)
        # While it started, a rule may have come.
        self._gateway.asking.whole_again(caller, upstream.config.served(caller.actor), approval)(None)
        if not session.takes_subscriptions:
            name = upstream.config.name
            raise CallFailed(INVALID_PARAMS, f"The MCP server {name} does not tell of changes of its resources.")
        return session

    async def _ask(self, caller: Caller, upstream: Upstream, uri: str, *, first: bool) -> None:
        key = upstream, uri
        while (asking := self._asking.get(key)) is not None:
            await asyncio.wait((asking,))
            if asking.result():
                return
            # Who asked was refused, or went away.
            first = True
        if not first:
            return
        asking = self._asking[key] = asyncio.get_running_loop().create_future()
        takes = False
        try:
            await upstream.requests.pass_on("resources/subscribe", {"uri": uri}, None, caller)
            takes = True
        finally:
            del self._asking[key]
            asking.set_result(takes)

    async def _unsubscribe(self, caller: Caller, subscription: Subscription) -> None:
        upstream, uri = subscription.upstream, subscription.uri

        def check(_tool: Tool | None) -> None:
            if uri in upstream.watched:
                raise CallFailed(INTERNAL_ERROR, "Somebody wants it again.")

        with contextlib.suppress(CallFailed):
            await upstream.requests.pass_on("resources/unsubscribe", {"uri": uri}, None, caller, again=check)
