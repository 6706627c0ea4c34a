"""What one server says by itself: questions for a client, messages for a log, notices for all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from server.mcp_gateway.caller import Ask, Caller, Tell
from server.mcp_gateway.log_levels import is_wanted
from server.mcp_gateway.upstreams.folders import CAPABILITY, ROOTS, Folders
from server.mcp_gateway.upstreams.in_flight import Flight, InFlight
from server.mcp_gateway.upstreams.introduction import Introduction
from server.mcp_gateway.upstreams.notices import (
    PROMPTS_CHANGED,
    RESOURCE_UPDATED,
    RESOURCES_CHANGED,
    TOOLS_CHANGED,
    OwnNotices,
)
from server.mcp_gateway.upstreams.watched import Watched
from server.mcp_gateway.wire import Unwritable, to_wire

_log = logging.getLogger(__name__)
LOG_MESSAGE = "notifications/message"
ELICITATION_COMPLETE = "notifications/elicitation/complete"
_PAUSE_SECONDS = 0.1
_MOST_TOLD = 1000
"""Messages that wait for clients who read slowly; with more, further ones are left out."""
_MOST_TOLD_BYTES = 16 << 20
"""All of them together; one that is alone may be larger."""
_ALONE_SECONDS = 30.0
"""So long a client may take to name its folders while none of its calls runs."""
_AT_START_SECONDS = 5.0
"""The same while the server starts, which may say nothing else until it knows."""
QUESTIONS = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", ROOTS: CAPABILITY}
"""Requests that a server of the older eras sends to a client, and the capability that each wants."""


class NotAsked(Exception):
    """A question that is not passed on; the text names the reason."""


class Heard:
    """Sorts it. `known` is the request that it came on the answer of, where a transport says so."""

    def __init__(
        self,
        notices: OwnNotices,
        introduction: Introduction,
        folders: Folders,
        in_flight: InFlight,
        watched: Watched,
        *,
        relist: Callable[[], None],
        is_personal: bool,
    ) -> None:
        """`relist` has the tools listed anew. `is_personal`: the connection is one person's alone."""
        self.is_personal = is_personal
        self._notices = notices
        self._introduction = introduction
        self._folders = folders
        self._in_flight = in_flight
        self._watched = watched
        self._relist = relist
        self._telling: set[asyncio.Task[None]] = set()
        self._waiting_bytes = 0
        self._resting: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._repeated: dict[tuple[str, str], Mapping[str, Any] | None] = {}

    def notice(self, method: str, params: Mapping[str, Any] | None, known: Flight | None) -> None:
        """A notification."""
        if method == TOOLS_CHANGED:
            # Told when they have been listed anew: who asks then gets the new ones.
            self._relist()
        elif method in (PROMPTS_CHANGED, RESOURCES_CHANGED):
            self._tell(method, None)
        elif method == RESOURCE_UPDATED and params is not None and params.get("uri") in self._watched:
            self._tell(method, params)
        elif method in (LOG_MESSAGE, ELICITATION_COMPLETE) and params is not None:
            self._to_caller(method, params, known)

    def missed(self) -> None:
        """Nobody listened for a while: its lists may be others."""
        self._relist()
        for method in (PROMPTS_CHANGED, RESOURCES_CHANGED):
            self._tell(method, None)

    async def question(self, method: str, params: Mapping[str, Any], known: Flight | None) -> dict[str, Any]:
        """The client's answer to a request of the server. Raises NotAsked, and the SDK's error that the client sent."""
        if method == ROOTS and not self.is_personal:
            # Most servers open for everybody on their connection what one client names.
            raise NotAsked("several people use this connection, and the folders of one are not opened for all")
        if method == ROOTS:
            return await self._folders_of(params, known)
        return await self._ask_for(self._asked(known), method, params)

    async def _folders_of(self, params: Mapping[str, Any], known: Flight | None) -> dict[str, Any]:
        folders = self._folders
        folders.asked()
        if known is None and not self._in_flight.whose(None):
            if folders.first is not None:
                return await self._folders_alone(folders.first, params, _AT_START_SECONDS)
            if folders.home is not None:
                return await self._folders_alone(folders.home, params, _ALONE_SECONDS)
        flight = self._asked(known)
        try:
            return await self._ask_for(flight, ROOTS, params)
        finally:
            folders.answered(flight.caller)

    async def _folders_alone(self, client: Caller, params: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        folders = self._folders
        with folders.asking(client):
            try:
                async with asyncio.timeout(seconds):
                    found = await _way(client, CAPABILITY, params)(ROOTS, params)
            except TimeoutError:
                raise NotAsked(f"the client did not name its folders within {seconds:g} s") from None
            folders.answered(client)
        return found

    async def _ask_for(self, flight: Flight, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        caller = flight.caller
        try:
            ask = _way(caller, QUESTIONS[method], params)
        except NotAsked as error:
            flight.refused = str(error)
            raise
        with flight.asking():
            asking = asyncio.ensure_future(ask(method, params))
            either: tuple[asyncio.Future[Any], ...] = (asking, flight.over)
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    return asking.result()
                raise NotAsked("the request that it was asked for has ended")
            finally:
                asking.cancel()

    def _asked(self, known: Flight | None) -> Flight:
        if known is None and not self._in_flight.asks:
            self._in_flight.asks = True
            self._soon(self._introduction.asked())
        flights = self._in_flight.whose(known)
        if not flights:
            raise NotAsked("no request of a client is running, so there is nobody to ask")
        if len(flights) > 1:
            reason = (
                f"requests of {len(flights)} clients are running, and the server does not say which of them it asks "
                "for; try again, since it gets the calls of one client at a time now"
            )
            for flight in flights:
                flight.refused = reason
            raise NotAsked(reason)
        return flights[0]

    def _tell(self, method: str, params: Mapping[str, Any] | None) -> None:
        """At once, but not again for a moment: a server that repeats itself without end drowns nobody."""
        key = (method, str((params or {}).get("uri", "")))
        if key in self._resting:
            self._repeated[key] = params
            return
        self._resting[key] = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._rested, key)
        self._notices.tell(method, params)

    def _rested(self, key: tuple[str, str]) -> None:
        del self._resting[key]
        if key in self._repeated:
            self._tell(key[0], self._repeated.pop(key))

    def _to_caller(self, method: str, params: Mapping[str, Any], known: Flight | None) -> None:
        flights = self._in_flight.whose(known)
        # What a server says of one person's call is nothing for another.
        if len({flight.caller.actor.user_id for flight in flights}) != 1:
            return
        caller = flights[-1].caller
        if caller.tell is None or (method == LOG_MESSAGE and not is_wanted(params.get("level"), caller.log_level)):
            return
        size = _size(params)
        if len(self._telling) >= _MOST_TOLD or (self._waiting_bytes and self._waiting_bytes + size > _MOST_TOLD_BYTES):
            return
        self._waiting_bytes += size
        self._soon(self._told(caller.tell, method, params, size))

    async def _told(self, tell: Tell, method: str, params: Mapping[str, Any], size: int) -> None:
        try:
            await tell(method, params)
        except Exception as error:  # a client that has gone needs no message
            _log.debug("%s was not passed on: %s", method, error)
        finally:
            self._waiting_bytes -= size

    def _soon(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def _way(caller: Caller, capability: str, params: Mapping[str, Any]) -> Ask:
    if caller.modern:
        raise NotAsked(
            "the client speaks the protocol 2026-07-28, in which no server may ask while it works, and this server an "
            "older one, in which it can ask in no other way"
        )
    if caller.ask is None:
        raise NotAsked("this call came in a way on which nobody can be asked")
    if capability not in caller.capabilities:
        raise NotAsked(f"the client does not take questions of this kind ({capability})")
    taken = caller.capabilities[capability]
    if params.get("mode") == "url" and not (isinstance(taken, Mapping) and "url" in taken):
        raise NotAsked("the client opens no pages for servers (elicitation by url)")
    return caller.ask


def _size(params: Mapping[str, Any]) -> int:
    try:
        return len(to_wire(params))
    except Unwritable:
        # Nobody will be able to read it.
        return _MOST_TOLD_BYTES
