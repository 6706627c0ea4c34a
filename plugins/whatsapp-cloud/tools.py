"""WhatsApp for AI clients. What was received they read by the tools of the model whatsapp_cloud_messages."""

from __future__ import annotations

from server.plugin_api import PluginContext, tool

from .sending import send


@tool(title="Send a WhatsApp message", admins_only=True)
async def send_message(plugin: PluginContext, to: str, text: str) -> dict[str, object]:
    """Send a WhatsApp text to a phone number with country code, such as +39061234567.

    WhatsApp takes it only when that person wrote within the last 24 hours. The text has at most 4,096 characters.
    """
    row = await send(plugin, to, text)
    return {"message_id": row["message_id"], "record": row["id"], "state": row["state"]}
