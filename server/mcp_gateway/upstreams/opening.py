"""How a session is opened, and where that comes from: the SDK is loaded when a server is first used, not before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from server.mcp_gateway.messages.tap import Tap
from server.mcp_gateway.upstreams.config import LaunchSpec
from server.mcp_gateway.upstreams.heard import Heard
from server.mcp_gateway.upstreams.http_faults import HttpFaults
from server.mcp_gateway.upstreams.process_guardian import Guardian
from server.mcp_gateway.upstreams.session import Session


class OpenSession(Protocol):
    """The shape of `sdk_client.open_session`."""

    def __call__(
        self,
        spec: LaunchSpec,
        *,
        stderr: deque[str],
        guardian: Guardian | None,
        faults: HttpFaults,
        heard: Heard,
        tap: Tap,
        on_child: Callable[[int | None], None],
        on_end: Callable[[], None],
    ) -> AbstractAsyncContextManager[Session]: ...


def load_open_session() -> OpenSession:
    """The SDK's half a second: not for the event loop."""
    from server.mcp_gateway.upstreams.sdk_client import open_session

    return open_session
