"""WhatsApp as a channel, for programs that send through `/api/internal/send-message`."""

from __future__ import annotations

from server.plugin_api import PluginContext, channel

from .sending import NUMBER, REACHES, send


@channel(reaches=REACHES, to_pattern=NUMBER)
async def send_message(plugin: PluginContext, to: str, text: str) -> dict[str, object]:
    """Send a text to a phone number."""
    row = await send(plugin, to, text)
    return {"message_id": row["message_id"], "record": row["id"]}
