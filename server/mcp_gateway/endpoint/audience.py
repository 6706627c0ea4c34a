"""Clients that are told of changes: sessions of the older eras on their streams, subscriptions of the newest."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import (
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types import SubscriptionsListenRequestParams

from server.mcp_gateway.caller import Caller, Tell
from server.mcp_gateway.failures import INTERNAL_ERROR, CallFailed
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.subscriptions import Subscription, Subscriptions
from server.mcp_gateway.upstreams.heard import NotAsked
from server.mcp_gateway.upstreams.notices import (
    PROMPTS_CHANGED,
    RESOURCE_UPDATED,
    RESOURCES_CHANGED,
    TOOLS_CHANGED,
    Notice,
    Notices,
)

_MOST_LISTENING, _MOST_URIS = 100, 100
_KEY = "gridbear_member"
_EVENTS: dict[str, ServerEvent] = {
    TOOLS_CHANGED: ToolsListChanged(),
    PROMPTS_CHANGED: PromptsListChanged(),
    RESOURCES_CHANGED: ResourcesListChanged(),
}


class Member:
    """One session: who is behind it, what it subscribed to, and what it was not told yet."""

    def __init__(self, caller: Caller, connection: Connection, has_stream: Callable[[], bool]) -> None:
        self.caller = caller
        self.log_level: str | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.beginning = 0
        """Subscriptions that its servers are being asked for."""
        self._connection = connection
        self._has_stream = has_stream
        self._waiting: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        self._running: list[Tell] = []
        self._task: asyncio.Task[None] | None = None

    def tell(self, notice: Notice) -> None:
        """Once, however often it is said before the client reads it."""
        uri = (notice.params or {}).get("uri", "")
        self._waiting[notice.method, str(uri)] = notice.params
        self.flush()

    @contextlib.contextmanager
    def answering(self, caller: Caller) -> Iterator[None]:
        """While inside, the stream of the answer is another way to the client."""
        if caller.tell is None:
            yield
            return
        self._running.append(caller.tell)
        self.flush()
        try:
            yield
        finally:
            self._running.remove(caller.tell)

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """A question while none of its requests is running. Raises NotAsked, and what the client answers it with."""
        if not self._has_stream():
            raise NotAsked("the client has no stream open on which it could be asked")
        return await self._connection.send_raw_request(method, params)

    def flush(self) -> None:
        """Send what waits, if there is a stream."""
        if self._waiting and (self._task is None or self._task.done()) and self._way() is not None:
            self._task = asyncio.get_running_loop().create_task(self._send())

    async def stop(self) -> None:
        """Send no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _way(self) -> Tell | None:
        if self._has_stream():
            return self._connection.notify
        return self._running[-1] if self._running else None

    async def _send(self) -> None:
        while self._waiting and (way := self._way()) is not None:
            (method, uri), params = next(iter(self._waiting.items()))
            del self._waiting[method, uri]
            await way(method, params)


class Audience:
    """All of one endpoint. What is told to whom is asked of the gateway's policy at each notice."""

    def __init__(self, gateway: Gateway, subscriptions: Subscriptions) -> None:
        self._gateway = gateway
        self._subscriptions = subscriptions
        self._members: set[Member] = set()
        self._listens: dict[ListenHandler, int | None] = {}
        """With whose they are."""
        self._deaf = gateway.notices.listen(self._hear)

    def member(self, connection: Connection) -> Member | None:
        """The session of a connection."""
        found = connection.state.get(_KEY)
        return found if isinstance(found, Member) else None

    def join(self, caller: Caller, connection: Connection, has_stream: Callable[[], bool]) -> None:
        """A session begins; it leaves by itself when its connection ends."""
        member = connection.state[_KEY] = Member(caller, connection, has_stream)
        self._members.add(member)
        connection.exit_stack.push_async_callback(self._leave, member)

    async def subscribe(self, member: Member, caller: Caller, uri: str) -> dict[str, Any]:
        """The answer to resources/subscribe. Raises CallFailed."""
        if uri in member.subscriptions:
            return {}
        if len(member.subscriptions) + member.beginning >= _MOST_URIS:
            raise CallFailed(INTERNAL_ERROR, f"A session may subscribe to {_MOST_URIS} resources.")
        member.beginning += 1
        try:
            begun = await self._subscriptions.begin(caller, uri)
        finally:
            member.beginning -= 1
        if uri in member.subscriptions:
            self._subscriptions.end(caller, begun)
        else:
            member.subscriptions[uri] = begun
        return {}

    async def unsubscribe(self, member: Member, caller: Caller, uri: str) -> dict[str, Any]:
        """The answer to resources/unsubscribe."""
        found = member.subscriptions.pop(uri, None)
        if found is not None:
            self._subscriptions.end(caller, found)
        return {}

    async def listen(self, context: ServerRequestContext[Any, Any], caller: Caller) -> dict[str, Any]:
        """Serve one subscription of the newest era, to its end. Raises CallFailed."""
        person = caller.actor.user_id
        if sum(1 for one in self._listens.values() if one == person) >= _MOST_LISTENING:
            raise CallFailed(INTERNAL_ERROR, f"You have {_MOST_LISTENING} subscriptions open already.")
        params = SubscriptionsListenRequestParams.model_validate(context.params, by_name=False)
        begun: list[Subscription] = []
        handler = ListenHandler(_Ear(self, caller, begun))
        self._listens[handler] = person
        try:
            for uri in (params.notifications.resource_subscriptions or ())[:_MOST_URIS]:
                # As with a resource that does not exist: it is acknowledged, and nothing is ever told of it.
                with contextlib.suppress(CallFailed):
                    begun.append(await self._subscriptions.begin(caller, uri))
            result = await handler(context, params)
            return result.model_dump(by_alias=True, mode="json", exclude_none=True)
        finally:
            del self._listens[handler]
            for one in begun:
                self._subscriptions.end(caller, one)

    def concerns(self, caller: Caller, notice: Notice, subscriptions: Iterable[Subscription]) -> bool:
        """Whether a client is to hear of it."""
        if notice.method == TOOLS_CHANGED and caller.few_tools:
            return False
        if notice.upstream is None:
            return True
        if notice.method == RESOURCE_UPDATED and not _has(subscriptions, notice):
            return False
        whole = notice.method != TOOLS_CHANGED
        return any(
            caller.server in (None, upstream.config.name)
            and self._gateway.hears(caller.actor, upstream.config, whole=whole)
            for upstream in (notice.upstream, notice.before)
            if upstream is not None
        )

    def flush(self, session: str | None) -> None:
        """A session has a stream now, or still."""
        for member in self._members:
            if member.caller.session == session:
                member.flush()

    def end(self) -> None:
        """End the subscriptions in good order."""
        self._deaf()
        self._deaf = lambda: None
        for handler in list(self._listens):
            handler.close()

    @property
    def notices(self) -> Notices:
        """Where they come from."""
        return self._gateway.notices

    def _hear(self, notice: Notice) -> None:
        for member in self._members:
            if self.concerns(member.caller, notice, member.subscriptions.values()):
                member.tell(notice)

    async def _leave(self, member: Member) -> None:
        self._members.discard(member)
        for subscription in member.subscriptions.values():
            self._subscriptions.end(member.caller, subscription)
        await member.stop()


class _Ear:
    """What one subscription may hear, in the shape that the SDK's handler wants."""

    def __init__(self, audience: Audience, caller: Caller, begun: list[Subscription]) -> None:
        self._audience = audience
        self._caller = caller
        self._begun = begun

    async def publish(self, event: ServerEvent) -> None:
        """Part of the SDK's protocol. What there is to tell comes from the servers' notices, never through here."""
        raise RuntimeError(f"{type(event).__name__} was published past the notices of the servers")

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        def hear(notice: Notice) -> None:
            if self._audience.concerns(self._caller, notice, self._begun):
                uri = (notice.params or {}).get("uri")
                listener(_EVENTS.get(notice.method) or ResourceUpdated(uri=str(uri)))

        return self._audience.notices.listen(hear)


def _has(subscriptions: Iterable[Subscription], notice: Notice) -> bool:
    uri = (notice.params or {}).get("uri")
    return any(one.upstream is notice.upstream and one.uri == uri for one in subscriptions)
