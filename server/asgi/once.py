"""Deeds that are done once, however often their request comes: a resent one gets the answer of the first.

For what leaves no row behind that could hold its key, such as the call of a tool. It is kept in memory: such a request
comes again within moments, from a browser whose connection died or a client that waited in vain, and a restart ends the
deed itself and all connections with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.asgi.body import read_body, replayed
from server.asgi.kept_deeds import Caller, Deed, KeptDeeds, Slot
from server.asgi.replies import send_body, send_error
from server.asgi.request_key import REPLAYED, RequestKey, interrupted, key_in
from server.errors import Conflict, GridBearError, Unauthorized


class Once:
    """In front of an app: `covers` says for which addresses a POST with a key is done once. Used on the event loop.

    Answers that failed by the caller's fault, or for want of room, are not kept: nothing was done, and the same request
    may come again with the same key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        actor_for: Callable[[Scope], Caller],
        covers: Callable[[str], bool],
        limit: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._actor_for = actor_for
        self._covers = covers
        self._limit = limit
        self._clock = clock
        self._deeds = KeptDeeds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = None
        if scope["type"] == "http" and scope["method"] == "POST" and self._covers(scope["path"]):
            sent = key_in(scope["headers"])
        if sent is None:
            await self._app(scope, receive, send)
            return
        try:
            caller = self._actor_for(scope)
        except Unauthorized:
            # The route says so in its own way.
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(receive, scope, self._limit())
            target = f"POST {scope['path']}?{scope['query_string'].decode('latin-1')}"
            key = RequestKey.of(sent, target, body)
            slot = (caller.kind, caller.user_id, caller.credential_id, key.key_hash)
            deed = await self._earlier(slot, key)
            if deed is not None:
                await self._tell(deed, caller, send)
                return
        except GridBearError as error:
            await send_error(error, scope, receive, send)
            return
        except ClientDisconnect:
            return
        await self._do(slot, Deed(caller, key.request_hash, self._clock()), scope, replayed(body, receive), send)

    async def _earlier(self, slot: Slot, key: RequestKey) -> Deed | None:
        """The deed that was begun with the key, when it has ended. None when nothing came of it, or there is none."""
        self._deeds.forget_old(self._clock())
        while (deed := self._deeds.get(slot)) is not None:
            key.check(deed.request_hash)
            if deed.ended.is_set():
                break
            await deed.ended.wait()
        return deed

    async def _tell(self, deed: Deed, caller: Caller, send: Send) -> None:
        if not deed.whole:
            raise interrupted("A request with this Idempotency-Key was broken off, and may have done its work.")
        if deed.body is None or deed.caller != caller:
            raise Conflict(
                "This was done by an earlier request with the same Idempotency-Key, and its answer is not kept. "
                "Look at what is there, and take a new key to do it once more.",
                code="idempotency_answer_gone",
            )
        await send_body(send, deed.status, deed.body, [*deed.headers, REPLAYED])

    async def _do(self, slot: Slot, deed: Deed, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard(message: Message) -> None:
            self._deeds.hear(deed, message)
            await send(message)

        self._deeds.begin(slot, deed)
        try:
            await self._app(scope, receive, heard)
        finally:
            self._deeds.end(slot)
