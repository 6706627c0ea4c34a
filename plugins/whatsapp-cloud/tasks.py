"""What is done after Meta has its answer."""

from __future__ import annotations

from server.plugin_api import Conflict, Forbidden, PluginContext, TooLarge, ValidationFailed, task

from .graph import media
from .incoming import MESSAGES


@task(idempotent=True, attempts=8)
async def fetch_file(plugin: PluginContext, record_id: int) -> dict[str, object]:
    """Fetch the file of a message and keep it with its record."""
    row = await plugin.records.get(MESSAGES, record_id)
    if row["file"] is not None or not row["media_id"]:
        return {"file": row["file"]}
    try:
        found = await media(plugin, row["media_id"])
        name = row["content"].get(row["kind"], {}).get("filename") or f"whatsapp-{row['kind']}-{record_id}"
        file = await plugin.keep_file(str(name), found.body, found.content_type)
    except (Conflict, Forbidden, TooLarge, ValidationFailed) as error:
        # It would go the same way the next time; the message itself is there.
        await plugin.records.update(MESSAGES, record_id, {"file_error": error.message})
        return {"file": None, "error": error.message}
    await plugin.records.update(MESSAGES, record_id, {"file": file})
    return {"file": file}
