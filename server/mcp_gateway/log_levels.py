"""How grave a message for a log is (RFC 5424)."""

from __future__ import annotations

from typing import Any

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


def is_wanted(level: Any, least: str | None) -> bool:
    """Whether a message of `level` goes to who wants `least` and above; None wants none."""
    if least not in LEVELS:
        return False
    return level not in LEVELS or LEVELS.index(level) >= LEVELS.index(least)
