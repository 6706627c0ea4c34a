"""The sessions of the older protocol versions: whose they are, what their clients take, and keeping them awake."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.streamable_http import GET_STREAM_KEY
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Message, Send

from server.access.actor import Actor
from server.auth.endings import Endings

_HEADER = b"mcp-session-id"
_ASKS = ("sampling", "elicitation", "roots")
MAX_SESSIONS = 100
"""Of one credential; the SDK's limit is for all together. With one more the one that was unused longest ends."""


@dataclass(frozen=True, slots=True)
class Session:
    """`owner` is the credential that opened it; `takes_questions`: its client answers requests of servers."""

    owner: str
    takes_questions: bool
    forget_credential: Callable[[], None]
    """Stops watching whether the credential still lets them in."""


def owner_of(actor: Actor) -> str:
    """The credential of `actor`, as sessions and the SDK know it."""
    return f"{'app' if actor.is_app else actor.kind}-{actor.credential_id}"


class SdkSessions:
    """What was seen when sessions were opened; whether one still lives is the SDK's to say.

    One whose credential has ended ends with it.
    """

    def __init__(self, manager: StreamableHTTPSessionManager, endings: Endings) -> None:
        self._manager = manager
        self._endings = endings
        self._known: dict[str, Session] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def watching(self, actor: Actor, initialize: Mapping[str, Any] | None, send: Send) -> Send:
        """A `send` that remembers the session which the answer to `initialize` opens.

        None: a message that only the SDK can read, and that may be one.
        """
        params = None if initialize is None else initialize.get("params")
        capabilities = params.get("capabilities") if isinstance(params, dict) else None
        asks = initialize is None or (isinstance(capabilities, dict) and any(name in capabilities for name in _ASKS))

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                for name, value in message.get("headers", ()):
                    session_id = value.decode("latin-1")
                    if name.lower() == _HEADER and (initialize is not None or session_id not in self._known):
                        self._remember(session_id, actor, asks)
            await send(message)

        return watched

    def find(self, session_id: str, owner: str) -> Session | None:
        """The session, if it lives and `owner` opened it."""
        found = self._known.get(session_id)
        if found is None or found.owner != owner or session_id not in self._manager._server_instances:
            return None
        # The one used last stands last.
        self._known[session_id] = self._known.pop(session_id)
        return found

    def has_stream(self, session_id: str | None) -> bool:
        """Whether its client has the stream open on which a server speaks by itself."""
        transport = None if session_id is None else self._manager._server_instances.get(session_id)
        return transport is not None and GET_STREAM_KEY in transport._request_streams

    @contextlib.contextmanager
    def used(self, session_id: str) -> Iterator[None]:
        """Within the context the session does not end for being idle. The SDK has no door for that."""
        transport = self._manager._server_instances[session_id]
        scope, seconds = transport.idle_scope, self._manager.session_idle_timeout
        if scope is None or seconds is None:
            yield
            return
        transport._requests_in_flight += 1
        scope.deadline = math.inf
        try:
            yield
        finally:
            transport._requests_in_flight -= 1
            if not transport._requests_in_flight:
                scope.deadline = anyio.current_time() + seconds

    async def stop(self) -> None:
        """Watch no credentials any more, and let what is ending end."""
        for session in self._known.values():
            session.forget_credential()
        self._known.clear()
        await asyncio.gather(*self._leaving)

    def _remember(self, session_id: str, actor: Actor, asks: bool) -> None:
        living = self._manager._server_instances
        if len(self._known) > 2 * len(living) + 100:
            for key in [key for key in self._known if key not in living]:
                self._known.pop(key).forget_credential()
        earlier = self._known.get(session_id)
        if earlier is not None:
            earlier.forget_credential()
        forget = self._endings.watch(actor, lambda: self._end(session_id))
        owner = owner_of(actor)
        self._known[session_id] = Session(owner, asks, forget)
        own = [key for key, session in self._known.items() if session.owner == owner and key in living]
        for key in own[:-MAX_SESSIONS]:
            self._known[key].forget_credential()
            self._end(key)

    def _end(self, session_id: str) -> None:
        self._known.pop(session_id, None)
        transport = self._manager._server_instances.get(session_id)
        if transport is not None:
            ending = self._manager._discard_session(session_id, transport)
            task = asyncio.get_running_loop().create_task(ending)
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
