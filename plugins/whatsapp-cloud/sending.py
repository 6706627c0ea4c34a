"""Sending a text, by whichever way it was asked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from server.plugin_api import PluginContext, ValidationFailed

from .graph import send_text
from .incoming import MESSAGES, follow_statuses

NUMBER = r"\+?[0-9][0-9 ()-]{4,24}"
REACHES = (
    "WhatsApp reaches phone numbers with country code, such as +39 06 1234567, whose people wrote to you within the "
    "last 24 hours."
)
MOST_CHARACTERS = 4096


async def send(plugin: PluginContext, to: str, text: str) -> dict[str, Any]:
    """Send a text to a phone number; the record of it. Raises what `graph.send_text` raises, and ValidationFailed."""
    if not re.fullmatch(NUMBER, to):
        raise ValidationFailed.of("to", "unreachable", REACHES)
    if not text.strip() or len(text) > MOST_CHARACTERS:
        raise ValidationFailed.of(
            "text", "too_long" if text.strip() else "required", "1 to 4,096 characters are wanted"
        )
    number = re.sub(r"[^0-9]", "", to)
    message_id = await send_text(plugin, number, text)
    row = await plugin.records.create(
        MESSAGES,
        {
            "direction": "out",
            "contact": number,
            "kind": "text",
            "text": text,
            "state": "sent",
            "at": datetime.now(UTC).isoformat(),
            "message_id": message_id,
        },
    )
    # A word of it may have been here before the answer was.
    return await follow_statuses(plugin, message_id) or row
