from __future__ import annotations

from typing import Any

from server.plugin_api import NotFound, PluginContext, tool

INVOICES = "invoice_inbox_invoices"


@tool(title="Open invoices", read_only=True, admins_only=True)
async def open_invoices(plugin: PluginContext) -> list[dict[str, Any]]:
    """What is still to be paid, the earliest day first."""
    return await plugin.records.find(INVOICES, where={"state__ne": "paid"}, sort="due_at")


@tool(title="Mark as paid", admins_only=True)
async def mark_paid(plugin: PluginContext, number: str) -> dict[str, Any]:
    """Mark the invoice with this number as paid."""
    rows = await plugin.records.find(INVOICES, where={"number": number})
    if not rows:
        raise NotFound(f"there is no invoice {number}")
    return await plugin.records.update(INVOICES, rows[0]["id"], {"state": "paid"})
