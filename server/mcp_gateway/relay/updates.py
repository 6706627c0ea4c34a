"""Changes of one resource as server-sent events, for whoever looks at it over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson

from server.auth.endings import Endings
from server.mcp_gateway.caller import Caller
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.relay.subscriptions import Subscription, Subscriptions
from server.mcp_gateway.upstreams.notices import RESOURCE_UPDATED, Notice
from server.mcp_gateway.woken_streams import PER_PERSON, WokenStream, WokenStreams


class ResourceUpdates:
    """Opens such streams."""

    def __init__(self, gateway: Gateway, subscriptions: Subscriptions, endings: Endings) -> None:
        self._gateway = gateway
        self._subscriptions = subscriptions
        self.streams = WokenStreams(endings, f"You watch {PER_PERSON} resources already, the most there may be.")

    async def open(self, caller: Caller, uri: str) -> AsyncIterator[bytes]:
        """Its messages: `updated`, with the URI, whenever its server says so. Raises CallFailed, RateLimited."""
        self.streams.check(caller.actor)
        mine = await self._subscriptions.begin(caller, uri)
        data = orjson.dumps({"uri": mine.uri})
        stream = WokenStream(
            b"event: watching\ndata: %s\n\n" % data,
            b"event: updated\ndata: %s\n\n" % data,
            lambda: self._gateway.hears(caller.actor, mine.upstream.config, whole=True),
        )

        def hear(notice: Notice) -> None:
            if _is_about(notice, mine):
                stream.wake()

        stream.ends.callback(self._subscriptions.end, caller, mine)
        stream.ends.callback(self._gateway.notices.listen(hear))
        return self.streams.admit(caller.actor, stream)


def _is_about(notice: Notice, mine: Subscription) -> bool:
    return (
        notice.method == RESOURCE_UPDATED
        and notice.upstream is mine.upstream
        and (notice.params or {}).get("uri") == mine.uri
    )
