from __future__ import annotations

from server.plugin_api import PluginContext, RecordEvent, on


@on("invoice_inbox_invoices", "create")
async def arrived(event: RecordEvent, plugin: PluginContext) -> None:
    await plugin.start_task("file_document", None, f"File invoice {event.record_id}", invoice_id=event.record_id)
