"""The sessions of the older protocol versions: whose they are, what their clients take, and keeping them awake."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Message, Send

_HEADER = b"mcp-session-id"
_ASKS = ("sampling", "elicitation", "roots")


@dataclass(frozen=True, slots=True)
class Session:
    """`owner` is the credential that opened it; `takes_questions`: its client answers requests of servers."""

    owner: str
    takes_questions: bool


class SdkSessions:
    """What was seen when sessions were opened; whether one still lives is the SDK's to say."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager
        self._known: dict[str, Session] = {}

    def watching(self, owner: str, initialize: Mapping[str, Any], send: Send) -> Send:
        """A `send` that remembers the session which the answer to `initialize` opens."""
        params = initialize.get("params")
        capabilities = params.get("capabilities") if isinstance(params, dict) else None
        asks = isinstance(capabilities, dict) and any(name in capabilities for name in _ASKS)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                for name, value in message.get("headers", ()):
                    if name.lower() == _HEADER:
                        self._remember(value.decode("latin-1"), Session(owner, asks))
            await send(message)

        return watched

    def find(self, session_id: str, owner: str) -> Session | None:
        """The session, if it lives and `owner` opened it."""
        found = self._known.get(session_id)
        if found is None or found.owner != owner or session_id not in self._manager._server_instances:
            return None
        return found

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

    def _remember(self, session_id: str, session: Session) -> None:
        if len(self._known) > 2 * len(self._manager._server_instances) + 100:
            self._known = {key: one for key, one in self._known.items() if key in self._manager._server_instances}
        self._known[session_id] = session
