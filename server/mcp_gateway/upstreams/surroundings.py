"""What all connections of one gateway share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.config import SettingsHolder
from server.mcp_gateway.messages.watches import MessageWatches
from server.mcp_gateway.upstreams.config import LaunchSpec, ServerConfig
from server.mcp_gateway.upstreams.notices import Notices
from server.mcp_gateway.upstreams.process_guardian import Guardian
from server.mcp_gateway.upstreams.programs import Programs
from server.mcp_gateway.upstreams.vigil import Vigil


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Made once, and handed to each of them."""

    settings: SettingsHolder
    launch_spec: Callable[[ServerConfig], Awaitable[LaunchSpec]]
    guardian: Guardian
    programs: Programs
    clock: Callable[[], float]
    vigil: Vigil
    notices: Notices
    watches: MessageWatches
