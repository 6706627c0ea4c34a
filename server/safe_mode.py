"""Safe mode: a start without plugins, MCP servers and schedules, after starts with them failed."""

from __future__ import annotations

from server.config import Settings
from server.errors import Conflict


def refuse_in_safe_mode(settings: Settings, what: str) -> None:
    """Raise Conflict (`safe_mode`) while it is on. `what`: what does not happen then, as the start of a sentence."""
    if settings.safe_mode:
        raise Conflict(f"{what} in safe mode. Leave safe mode first, or start GridBear anew.", code="safe_mode")
