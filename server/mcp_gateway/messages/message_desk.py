"""What admins see of the messages of a server, and the switch for it. Who looks stands in the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from server.access.actor import Actor
from server.auth.endings import Endings
from server.errors import Forbidden, NotFound
from server.mcp_gateway.activity.redaction import Redactor
from server.mcp_gateway.gateway import Gateway
from server.mcp_gateway.messages.message import Kind
from server.mcp_gateway.messages.tap import WATCH_SECONDS, MessageWatch
from server.mcp_gateway.upstreams.pool import MODEL
from server.mcp_gateway.wire import to_wire
from server.mcp_gateway.woken_streams import PER_PERSON, WokenStream, WokenStreams
from server.records.service import Records
from server.records.times import to_text

AUDITED = "messages_watched"
_FOLLOWING = b"event: following\ndata: {}\n\n"
_NEWS = b"event: news\ndata: {}\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages: newer than `after`, of these kinds (none: all), whose method and text have this in them."""

    after: int = 0
    kinds: frozenset[Kind] = frozenset()
    method: str = ""
    words: str = ""
    failed: bool = False
    """Only errors, and results of tools that failed."""
    limit: int = 200

    def fits(self, told: dict[str, Any]) -> bool:
        """Asks what is shown, not what is hidden: nobody finds out a secret by searching for it."""
        if self.kinds and told["kind"] not in self.kinds:
            return False
        if self.failed and not told["failed"]:
            return False
        if self.method and self.method.lower() not in f"{told['method'] or ''} {told['about'] or ''}".lower():
            return False
        if not self.words:
            return True
        text = to_wire(told["message"]).decode()
        return self.words.lower() in f"{told['method'] or ''} {told['about'] or ''} {told['id']} {text}".lower()


class MessageDesk:
    """For admins alone; others are refused before they are told whether there is such a server."""

    def __init__(
        self, records: Records, gateway: Gateway, redactor: Callable[[], Awaitable[Redactor]], endings: Endings
    ) -> None:
        self._records = records
        self._gateway = gateway
        self._redactor = redactor
        self.streams = WokenStreams(endings, f"You follow {PER_PERSON} servers already, the most there may be.")

    async def begin(self, actor: Actor, server: int | str) -> dict[str, Any]:
        """Watch from now on; when somebody does already, for longer. Raises Forbidden, NotFound, Conflict."""
        name = self._name(actor, server)
        if self._gateway.watches.begin(server):
            self._watch(server).readers.add(actor.user_id)
            await self._note(actor, server, name, "on")
        return self._standing(self._watch(server))

    async def end(self, actor: Actor, server: int | str) -> dict[str, Any]:
        """Stop, and forget what was seen. Raises Forbidden, NotFound."""
        name = self._name(actor, server)
        if self._watch(server).end():
            await self._note(actor, server, name, "off")
        return self._standing(self._watch(server))

    async def listed(self, actor: Actor, server: int | str, wanted: Wanted) -> dict[str, Any]:
        """How it stands, and the newest messages that fit, the oldest of them first. Raises Forbidden, NotFound.

        To look is to go on watching for another `WATCH_SECONDS`.
        """
        name = self._name(actor, server)
        watch = self._watch(server)
        watch.sweep()
        if (ring := watch.ring) is None:
            return {**self._standing(watch), "messages": []}
        watch.begin()
        standing, newest = self._standing(watch), list(ring.after(wanted.after))
        if actor.user_id not in watch.readers:
            watch.readers.add(actor.user_id)
            await self._note(actor, server, name, "read")
        redactor = await self._redactor()

        def tell() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            for message in reversed(newest):
                told = message.told(redactor)
                if wanted.fits(told):
                    found.append(told)
                    if len(found) == wanted.limit:
                        break
            return found[::-1]

        return {**standing, "messages": await asyncio.to_thread(tell)}

    def followed(self, actor: Actor, server: int | str) -> AsyncIterator[bytes]:
        """Server-sent events without content: `following` at once, `news` when there is something to list.

        To follow is to go on watching, too. Raises Forbidden, NotFound, RateLimited.
        """
        self._name(actor, server)
        self.streams.check(actor)
        watch = self._watch(server)
        stream = WokenStream(_FOLLOWING, _NEWS, lambda: self._goes_on(server, watch))
        stream.ends.callback(watch.hear(stream.wake))
        return self.streams.admit(actor, stream)

    async def exported(self, actor: Actor, server: int | str, wanted: Wanted) -> tuple[str, bytes]:
        """The same messages as lines of JSON, and a name for the file. Raises Forbidden, NotFound."""
        found = await self.listed(actor, server, wanted)
        lines = b"".join(to_wire(message) + b"\n" for message in found["messages"])
        return f"{self._name(actor, server)}-messages.jsonl", lines

    def _name(self, actor: Actor, server: int | str) -> str:
        if not actor.is_admin:
            raise Forbidden("Only admins see the messages of an MCP server.")
        if isinstance(server, int):
            return self._gateway.config_for(actor, server).name
        if server not in self._gateway.hosted:
            raise NotFound(f"There is no MCP server {server!r} in this program.")
        return server

    def _watch(self, server: int | str) -> MessageWatch:
        return self._gateway.watches.of(server)

    def _goes_on(self, server: int | str, watch: MessageWatch) -> bool:
        """Whether the server is there still; whoever follows it looks at it."""
        watch.sweep()
        if watch.ring is not None:
            watch.begin()
        return self._gateway.watches.knows(server, watch)

    async def _note(self, actor: Actor, server: int | str, name: str, what: str) -> None:
        record = {"model": MODEL, "record_id": server} if isinstance(server, int) else {}
        await self._records.note(AUDITED, actor, about=name, detail=what, **record)

    @staticmethod
    def _standing(watch: MessageWatch) -> dict[str, Any]:
        ring = watch.ring
        if ring is None:
            return {"watching": False, "since": None, "seconds_left": 0, "last": watch.last, "forgotten": 0}
        return {
            "watching": True,
            "since": to_text(datetime.fromtimestamp(ring.began, UTC)),
            "seconds_left": round(min(watch.seconds_left, WATCH_SECONDS)),
            "last": ring.last,
            "forgotten": ring.forgotten,
        }
